#include <weft/layers/capture.hpp>

#include <utility>

#include <weft/layers/scope.hpp>

namespace weft {
namespace {

thread_local CaptureScope* innermost = nullptr;

std::string full_path(const std::string& name) {
  std::string path = Scope::current() ? Scope::current()->path() : std::string();
  return path.empty() ? name : path + "." + name;
}

}  // namespace

CaptureScope::CaptureScope(Filter filter) : filter_(std::move(filter)), outer_(std::exchange(innermost, this)) {}
CaptureScope::~CaptureScope() { innermost = outer_; }

bool is_captured(const VariableKind& kind, const std::string& name) {
  if (!innermost) return false;
  std::string path = full_path(name);
  for (CaptureScope* scope = innermost; scope; scope = scope->outer_)
    if (scope->filter_({path, &kind, nullptr})) return true;
  return false;
}

void sow(const VariableKind& kind, const std::string& name, const Tensor& value) {
  if (!innermost) return;
  std::string path = full_path(name);
  for (CaptureScope* scope = innermost; scope; scope = scope->outer_) {
    if (!scope->filter_({path, &kind, nullptr})) continue;
    std::string free_path = path;
    for (int again = 1; scope->values_.contains(free_path); ++again) free_path = path + "." + std::to_string(again);
    scope->values_.set(free_path, value, &kind);
  }
}

}  // namespace weft
