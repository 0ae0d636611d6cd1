#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <weft/core/shape.hpp>

namespace weft::conformance {

/// Something that a case asks for and that Weft, or this program, does not have: the case is skipped.
class Unsupported : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// JSON's keys are texts, also where they are numbers. Throws Unsupported.
int64_t integer_key(const std::string& key);

/// A JSON value that remembers what was read of it, so that an option that nobody looked at can be found. A value of
/// another kind than the one asked for throws Unsupported.
class Config {
 public:
  using Entry = std::pair<std::string, Config>;

  /// Null.
  Config() = default;
  /// Throws FormatError.
  static Config parse(const std::string& json);

  bool is_null() const;
  bool is_boolean() const { return kind_ == Kind::boolean; }
  bool is_number() const { return kind_ == Kind::number; }
  bool is_text() const { return kind_ == Kind::text; }
  bool is_list() const { return kind_ == Kind::list; }
  bool is_object() const { return kind_ == Kind::object; }

  bool flag() const;
  double number() const;
  int64_t integer() const;
  const std::string& text() const;
  const std::vector<Config>& items() const;
  const std::vector<Entry>& entries() const;
  std::vector<double> numbers() const;
  /// A list of integers, or a single one.
  Shape shape() const;

  bool has(const std::string& key) const;
  /// Throws Unsupported when there is no such key.
  const Config& operator[](const std::string& key) const;
  /// Null when there is no such key, or this is no object.
  const Config& get(const std::string& key) const;

  // The value at a key, or the default where there is none or it is null.
  bool flag(const std::string& key, bool otherwise) const;
  double number(const std::string& key, double otherwise) const;
  int64_t integer(const std::string& key, int64_t otherwise) const;
  std::string text(const std::string& key, const std::string& otherwise) const;
  Shape shape(const std::string& key, const Shape& otherwise) const;

  /// Throws Unsupported when there is a value at the key that is not null, false, or an empty list or object.
  void require_unset(const std::string& key) const;
  /// Throws Unsupported unless the text at the key is this one.
  void require_text(const std::string& key, const std::string& expected) const;
  /// For descriptions: counts as read with all that is in it.
  void ignore(const std::string& key) const;

  /// Dotted paths of what was never read.
  std::vector<std::string> unread() const;

 private:
  enum class Kind { null, boolean, number, text, list, object };
  friend struct ConfigParser;

  const Config& require(Kind kind, const char* name) const;
  void mark_all() const;
  void collect_unread(const std::string& path, std::vector<std::string>& paths) const;
  std::string describe() const;

  Kind kind_ = Kind::null;
  bool flag_ = false;
  double number_ = 0;
  std::string text_;
  std::vector<Config> items_;
  std::vector<Entry> entries_;
  mutable bool read_ = false;
};

}  // namespace weft::conformance
