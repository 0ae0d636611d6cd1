#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft::examples::fusion {

/// A line of text and where it stands, for files whose lines are columns parted by spaces.
struct TextLine {
  std::string source;  // `label_2/000003.txt line 2`
  std::vector<std::string_view> fields;
};

/// The lines that are not empty; they look into `text`, which must outlive them. Windows line ends are taken off.
std::vector<TextLine> text_lines(std::string_view text, const std::string& file);

/// A finite number. Throws FormatError `<source>: <name>: expected a number, got ...`.
double number_of(std::string_view field, const std::string& source, std::string_view name);

/// `<folder's name>/<file's name>`, by which errors call a file of a data set.
std::string short_name(const std::string& path);

}  // namespace weft::examples::fusion
