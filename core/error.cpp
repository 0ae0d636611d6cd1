#include <weft/core/error.hpp>

#include <vector>

namespace weft {
namespace {

thread_local std::vector<std::string_view> open_scopes;

std::string with_path(const std::string& message) {
  std::string path = ErrorScope::path();
  return path.empty() ? message : path + ": " + message;
}

}  // namespace

Error::Error(const std::string& message) : std::runtime_error(with_path(message)) {}

ErrorScope::ErrorScope(std::string_view name) { open_scopes.push_back(name); }
ErrorScope::~ErrorScope() { open_scopes.pop_back(); }

std::string ErrorScope::path() {
  std::string path;
  for (std::string_view name : open_scopes) {
    if (name.empty()) continue;
    if (!path.empty()) path += '.';
    path += name;
  }
  return path;
}

}  // namespace weft
