#include <weft/layers/filter.hpp>

namespace weft {
namespace {

bool matches(std::string_view pattern, std::string_view path) {
  if (pattern.empty()) return path.empty();
  if (pattern.substr(0, 2) == "**") {
    std::string_view rest = pattern.substr(2);
    // `**.x` also matches `x` alone, and `x.**` `x` alone.
    if (!rest.empty() && rest[0] == '.' && matches(rest.substr(1), path)) return true;
    for (size_t skip = 0; skip <= path.size(); ++skip)
      if (matches(rest, path.substr(skip))) return true;
    return false;
  }
  if (pattern == ".**" && path.empty()) return true;
  if (pattern[0] == '*') {
    for (size_t skip = 0; skip <= path.size(); ++skip) {
      if (matches(pattern.substr(1), path.substr(skip))) return true;
      if (skip < path.size() && path[skip] == '.') return false;
    }
    return false;
  }
  return !path.empty() && pattern[0] == path[0] && matches(pattern.substr(1), path.substr(1));
}

}  // namespace

Filter path_glob(std::string pattern) {
  return Filter::pure(
      [pattern = std::move(pattern)](const VariableInfo& variable) { return matches(pattern, variable.path); });
}

Filter path_contains(std::string name) {
  return Filter::pure([name = std::move(name)](const VariableInfo& variable) {
    return ("." + std::string(variable.path) + ".").find("." + name + ".") != std::string::npos;
  });
}

Filter not_(Filter filter) {
  return [filter = std::move(filter)](const VariableInfo& variable) { return !filter(variable); };
}

Filter any_of(std::initializer_list<Filter> filters) {
  return [filters = std::vector<Filter>(filters)](const VariableInfo& variable) {
    for (const Filter& filter : filters)
      if (filter(variable)) return true;
    return false;
  };
}

Filter all_of(std::initializer_list<Filter> filters) {
  return [filters = std::vector<Filter>(filters)](const VariableInfo& variable) {
    for (const Filter& filter : filters)
      if (!filter(variable)) return false;
    return true;
  };
}

}  // namespace weft
