#include "config.hpp"

#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

#include <weft/core/error.hpp>

namespace weft::conformance {

int64_t integer_key(const std::string& key) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), value);
  if (error != std::errc() || end != key.data() + key.size()) throw Unsupported("expected a number, got key " + key);
  return value;
}

struct ConfigParser {
  static Config convert(const nlohmann::json& json) {
    Config config;
    if (json.is_boolean()) {
      config.kind_ = Config::Kind::boolean;
      config.flag_ = json.get<bool>();
    } else if (json.is_number()) {
      config.kind_ = Config::Kind::number;
      config.number_ = json.get<double>();
    } else if (json.is_string()) {
      config.kind_ = Config::Kind::text;
      config.text_ = json.get<std::string>();
    } else if (json.is_array()) {
      config.kind_ = Config::Kind::list;
      for (const auto& item : json) config.items_.push_back(convert(item));
    } else if (json.is_object()) {
      config.kind_ = Config::Kind::object;
      for (const auto& item : json.items()) config.entries_.emplace_back(item.key(), convert(item.value()));
    }
    return config;
  }
};

Config Config::parse(const std::string& json) {
  nlohmann::json parsed = nlohmann::json::parse(json, nullptr, false);
  if (parsed.is_discarded()) throw FormatError("case: expected JSON, got " + json.substr(0, 60));
  return ConfigParser::convert(parsed);
}

std::string Config::describe() const {
  switch (kind_) {
    case Kind::null: return "null";
    case Kind::boolean: return flag_ ? "true" : "false";
    case Kind::number: return std::to_string(number_);
    case Kind::text: return "\"" + text_ + "\"";
    case Kind::list: return "a list";
    case Kind::object: return "an object";
  }
  return {};
}

const Config& Config::require(Kind kind, const char* name) const {
  if (kind_ != kind) throw Unsupported(std::string("expected ") + name + ", got " + describe());
  read_ = true;
  return *this;
}

bool Config::is_null() const {
  if (kind_ == Kind::null) read_ = true;
  return kind_ == Kind::null;
}

bool Config::flag() const { return require(Kind::boolean, "true or false").flag_; }
double Config::number() const { return require(Kind::number, "a number").number_; }
const std::string& Config::text() const { return require(Kind::text, "a text").text_; }
const std::vector<Config>& Config::items() const { return require(Kind::list, "a list").items_; }
const std::vector<Config::Entry>& Config::entries() const { return require(Kind::object, "an object").entries_; }

int64_t Config::integer() const {
  double value = number();
  if (value != std::floor(value)) throw Unsupported("expected an integer, got " + describe());
  return static_cast<int64_t>(value);
}

std::vector<double> Config::numbers() const {
  std::vector<double> values;
  for (const Config& item : items()) values.push_back(item.number());
  return values;
}

Shape Config::shape() const {
  if (is_number()) return {integer()};
  Shape shape;
  for (const Config& item : items()) shape.push_back(item.integer());
  return shape;
}

const Config& Config::get(const std::string& key) const {
  static const Config none;
  if (kind_ != Kind::object) return none;
  for (const Entry& entry : entries_)
    if (entry.first == key) return entry.second;
  return none;
}

bool Config::has(const std::string& key) const {
  for (const Entry& entry : entries_)
    if (entry.first == key) return true;
  return false;
}

const Config& Config::operator[](const std::string& key) const {
  if (!has(key)) throw Unsupported("expected an option " + key + ", got none");
  return get(key);
}

bool Config::flag(const std::string& key, bool otherwise) const {
  const Config& value = get(key);
  return value.is_null() ? otherwise : value.flag();
}
double Config::number(const std::string& key, double otherwise) const {
  const Config& value = get(key);
  return value.is_null() ? otherwise : value.number();
}
int64_t Config::integer(const std::string& key, int64_t otherwise) const {
  const Config& value = get(key);
  return value.is_null() ? otherwise : value.integer();
}
std::string Config::text(const std::string& key, const std::string& otherwise) const {
  const Config& value = get(key);
  return value.is_null() ? otherwise : value.text();
}
Shape Config::shape(const std::string& key, const Shape& otherwise) const {
  const Config& value = get(key);
  return value.is_null() ? otherwise : value.shape();
}

void Config::require_unset(const std::string& key) const {
  const Config& value = get(key);
  value.read_ = true;
  bool unset = value.kind_ == Kind::null || (value.kind_ == Kind::boolean && !value.flag_) ||
               (value.kind_ == Kind::list && value.items_.empty()) ||
               (value.kind_ == Kind::object && value.entries_.empty());
  if (!unset) throw Unsupported("option " + key + " = " + value.describe());
}

void Config::require_text(const std::string& key, const std::string& expected) const {
  if ((*this)[key].text() != expected) throw Unsupported("option " + key + " = " + get(key).describe());
}

void Config::ignore(const std::string& key) const { get(key).mark_all(); }

void Config::mark_all() const {
  read_ = true;
  for (const Config& item : items_) item.mark_all();
  for (const Entry& entry : entries_) entry.second.mark_all();
}

std::vector<std::string> Config::unread() const {
  std::vector<std::string> paths;
  collect_unread("", paths);
  return paths;
}

void Config::collect_unread(const std::string& path, std::vector<std::string>& paths) const {
  if (items_.empty() && entries_.empty()) {
    if (!read_ && !path.empty()) paths.push_back(path);  // no options at all is nothing to read
    return;
  }
  for (size_t i = 0; i < items_.size(); ++i) items_[i].collect_unread(path + "." + std::to_string(i), paths);
  for (const Entry& entry : entries_)
    entry.second.collect_unread(path.empty() ? entry.first : path + "." + entry.first, paths);
}

}  // namespace weft::conformance
