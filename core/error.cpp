#include <weft/core/error.hpp>

namespace weft {
namespace {

std::string with_path(const std::string& message) {
  std::string path = ErrorScope::path();
  return path.empty() ? message : path + ": " + message;
}

}  // namespace

Error::Error(const std::string& message) : std::runtime_error(with_path(message)) {}

std::string ErrorPath::text() const {
  std::string text;
  for (const Part* part = innermost_.get(); part; part = part->outer.get())
    text = text.empty() ? part->name : part->name + "." + text;
  return text;
}

std::vector<ErrorScope::Open>& ErrorScope::open() {
  thread_local std::vector<Open> scopes;
  return scopes;
}

ErrorScope::ErrorScope(std::string_view name) { open().push_back({name, {}}); }
ErrorScope::~ErrorScope() { open().pop_back(); }

std::string ErrorScope::path() { return kept_path().text(); }

ErrorPath ErrorScope::kept_path() {
  ErrorPath path;
  for (Open& scope : open()) {
    if (scope.kept.empty() && !scope.name.empty()) {
      scope.kept.innermost_ = make_ref<ErrorPath::Part>();
      scope.kept.innermost_->outer = path.innermost_;
      scope.kept.innermost_->name = scope.name;
    }
    if (!scope.kept.empty()) path = scope.kept;
  }
  return path;
}

}  // namespace weft
