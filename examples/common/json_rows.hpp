#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::examples {

/// One object of a list in a JSON file. What the getters throw names file, row and field.
class JsonRow {
 public:
  JsonRow(const void* object, const std::string& file, int64_t number)
      : object_(object), file_(file), number_(number) {}

  std::string text(const char* field) const;
  /// A text that is not empty.
  std::string token(const char* field) const;
  std::vector<std::string> texts(const char* field) const;
  double number(const char* field) const;
  int64_t integer(const char* field) const;
  bool boolean(const char* field) const;
  /// A list of `count` numbers.
  std::vector<double> numbers(const char* field, size_t count) const;
  /// The numbers of a list of lists, row-major; empty for an empty list.
  std::vector<double> matrix(const char* field, size_t rows, size_t columns) const;
  bool has(const char* field) const;
  /// The objects of a list, to be looked at while the row lives.
  std::vector<JsonRow> rows(const char* field) const;
  /// What the field holds, as JSON text; for fields of several types.
  std::string dump(const char* field) const;

  /// `sample_data.json row 17`, counted from 0.
  std::string source() const;
  /// Throws FormatError: `<source>: <field>: expected <expected>, got <value>`.
  [[noreturn]] void fail(const char* field, const std::string& expected) const;

 private:
  const void* object_;  // nlohmann::json, kept out of the header
  const std::string& file_;
  int64_t number_;
};

/// Calls `visit` for every row, holding one at a time. Throws FileError, and FormatError for what is no JSON or no list
/// of objects. Errors name the file without its folder.
void for_each_row(const std::filesystem::path& path, const std::function<void(const JsonRow&)>& visit);

/// The same for the list in field `list` of a file that is one object; its other fields are passed over. The file is
/// read piece by piece. Throws FormatError where there is no such list, too.
void for_each_row(const std::filesystem::path& path, const std::string& list,
                  const std::function<void(const JsonRow&)>& visit);

}  // namespace weft::examples
