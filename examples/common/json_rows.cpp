#include <weft/examples/common/json_rows.hpp>

#include <cmath>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>

namespace weft::examples {
namespace {

using nlohmann::json;

const json& entry(const void* object, const JsonRow& row, const char* field) {
  const json& all = *static_cast<const json*>(object);
  auto found = all.find(field);
  if (found == all.end()) throw FormatError(fmt::format("{}: {}: expected a field of that name", row.source(), field));
  return *found;
}

bool all_numbers(const json& list, size_t count) {
  if (!list.is_array() || list.size() != count) return false;
  for (const json& value : list)
    if (!value.is_number() || !std::isfinite(value.get<double>())) return false;
  return true;
}

/// Rows of the list in `field` of the file's object, or of the list that the file is when `field` is empty.
void visit_rows(const std::filesystem::path& path, const std::string& field,
                const std::function<void(const JsonRow&)>& visit) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) read_file(path.string());  // throws with the system's reason
  const std::string file = path.filename().string();
  const int list_depth = field.empty() ? 0 : 1;
  const std::string whole = field.empty() ? "a list of objects" : "an object with a list `" + field + "`";
  int64_t number = 0;
  bool inside = field.empty(), found = field.empty();
  // Below the list's depth come its rows; a row that was visited is thrown away.
  auto callback = [&](int depth, json::parse_event_t event, json& value) {
    if (depth == 0 && event == (field.empty() ? json::parse_event_t::object_start : json::parse_event_t::array_start))
      throw FormatError(file + ": expected " + whole + ", got " + (field.empty() ? "an object" : "a list"));
    if (!field.empty() && depth == 1 && event == json::parse_event_t::key) {
      inside = value.get<std::string>() == field;
      found |= inside;
      return inside;  // what is left out is not kept
    }
    if (!field.empty() && depth == 1 && inside &&
        (event == json::parse_event_t::value || event == json::parse_event_t::object_start))
      throw FormatError(fmt::format("{}: {}: expected a list of objects", file, field));
    if (!inside || depth != list_depth + 1) return true;
    if (event == json::parse_event_t::object_end) {
      visit(JsonRow(&value, file, number++));
      return false;
    }
    if (event == json::parse_event_t::value || event == json::parse_event_t::array_start)
      throw FormatError(fmt::format("{} row {}: expected an object", file, number));
    return true;
  };
  try {
    json rest = json::parse(stream, callback);
    if (field.empty() ? !rest.is_array() : !rest.is_object())
      throw FormatError(file + ": expected " + whole + ", got " + rest.dump());
  } catch (const json::parse_error& error) { throw FormatError(file + ": not valid JSON: " + error.what()); }
  if (!found) throw FormatError(file + ": " + field + ": expected a field of that name");
}

}  // namespace

bool JsonRow::has(const char* field) const { return static_cast<const json*>(object_)->contains(field); }

std::string JsonRow::source() const { return fmt::format("{} row {}", file_, number_); }

void JsonRow::fail(const char* field, const std::string& expected) const {
  throw FormatError(
      fmt::format("{}: {}: expected {}, got {}", source(), field, expected, entry(object_, *this, field).dump()));
}

std::string JsonRow::text(const char* field) const {
  const json& value = entry(object_, *this, field);
  if (!value.is_string()) fail(field, "a text");
  return value.get<std::string>();
}

std::string JsonRow::token(const char* field) const {
  std::string value = text(field);
  if (value.empty()) fail(field, "a token");
  return value;
}

std::vector<std::string> JsonRow::texts(const char* field) const {
  const json& list = entry(object_, *this, field);
  std::vector<std::string> values;
  if (!list.is_array()) fail(field, "a list of texts");
  for (const json& value : list) {
    if (!value.is_string()) fail(field, "a list of texts");
    values.push_back(value.get<std::string>());
  }
  return values;
}

double JsonRow::number(const char* field) const {
  const json& value = entry(object_, *this, field);
  if (!value.is_number() || !std::isfinite(value.get<double>())) fail(field, "a number");
  return value.get<double>();
}

int64_t JsonRow::integer(const char* field) const {
  const json& value = entry(object_, *this, field);
  if (!value.is_number_integer()) fail(field, "an integer");
  return value.get<int64_t>();
}

bool JsonRow::boolean(const char* field) const {
  const json& value = entry(object_, *this, field);
  if (!value.is_boolean()) fail(field, "true or false");
  return value.get<bool>();
}

std::vector<double> JsonRow::numbers(const char* field, size_t count) const {
  const json& list = entry(object_, *this, field);
  if (!all_numbers(list, count)) fail(field, fmt::format("{} numbers", count));
  return list.get<std::vector<double>>();
}

std::vector<double> JsonRow::matrix(const char* field, size_t rows, size_t columns) const {
  const json& list = entry(object_, *this, field);
  std::vector<double> values;
  if (list.is_array() && list.empty()) return values;
  bool good = list.is_array() && list.size() == rows;
  for (size_t i = 0; good && i < rows; ++i) {
    good = all_numbers(list[i], columns);
    if (good)
      for (const json& value : list[i]) values.push_back(value.get<double>());
  }
  if (!good) fail(field, fmt::format("{} lists of {} numbers", rows, columns));
  return values;
}

std::vector<JsonRow> JsonRow::rows(const char* field) const {
  const json& list = entry(object_, *this, field);
  std::vector<JsonRow> values;
  bool good = list.is_array();
  for (size_t i = 0; good && i < list.size(); ++i) {
    good = list[i].is_object();
    values.emplace_back(&list[i], file_, number_);
  }
  if (!good) fail(field, "a list of objects");
  return values;
}

std::string JsonRow::dump(const char* field) const { return entry(object_, *this, field).dump(); }

void for_each_row(const std::filesystem::path& path, const std::function<void(const JsonRow&)>& visit) {
  visit_rows(path, "", visit);
}

void for_each_row(const std::filesystem::path& path, const std::string& list,
                  const std::function<void(const JsonRow&)>& visit) {
  visit_rows(path, list, visit);
}

}  // namespace weft::examples
