#include <weft/examples/sensor_fusion/text_fields.hpp>

#include <charconv>
#include <cmath>
#include <filesystem>

#include <weft/core/error.hpp>

namespace weft::examples::fusion {

std::vector<TextLine> text_lines(std::string_view text, const std::string& file) {
  std::vector<TextLine> lines;
  for (size_t begin = 0, number = 1; begin < text.size(); ++number) {
    size_t end = std::min(text.find('\n', begin), text.size());
    TextLine line{file + " line " + std::to_string(number), {}};
    constexpr std::string_view blank = " \t\r";
    for (size_t at = begin; (at = text.find_first_not_of(blank, at)) < end;) {
      size_t stop = std::min(text.find_first_of(blank, at), end);
      line.fields.push_back(text.substr(at, stop - at));
      at = stop;
    }
    if (!line.fields.empty()) lines.push_back(std::move(line));
    begin = end + 1;
  }
  return lines;
}

double number_of(std::string_view field, const std::string& source, std::string_view name) {
  double value = 0;
  const char* end = field.data() + field.size();
  const char* begin = field.data() + (field.size() > 1 && field[0] == '+');
  auto result = std::from_chars(begin, end, value);
  if (result.ec != std::errc() || result.ptr != end || !std::isfinite(value))
    throw FormatError(source + ": " + std::string(name) + ": expected a finite number, got " + std::string(field));
  return value;
}

std::string short_name(const std::string& path) {
  std::filesystem::path p(path);
  return (p.parent_path().filename() / p.filename()).string();
}

}  // namespace weft::examples::fusion
