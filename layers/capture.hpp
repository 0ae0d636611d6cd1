#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include <weft/layers/state.hpp>

namespace weft {

/// Collects what modules on this thread sow; capture() below is the usual way to one.
class CaptureScope {
 public:
  explicit CaptureScope(Filter filter = everything);
  ~CaptureScope();
  CaptureScope(const CaptureScope&) = delete;
  CaptureScope& operator=(const CaptureScope&) = delete;

  /// Under the path of the module that sowed and the name it gave: `blocks.0.attend.weights`; what is sown there again
  /// becomes `blocks.0.attend.weights.1`, and so on. The tensors keep their tape.
  const State& values() const { return values_; }

 private:
  friend void sow(const VariableKind& kind, const std::string& name, const Tensor& value);
  friend bool is_captured(const VariableKind& kind, const std::string& name);
  Filter filter_;
  State values_;
  CaptureScope* outer_;
};

/// Keeps a value on the way for whoever captures; without a capture() it does nothing.
void sow(const VariableKind& kind, const std::string& name, const Tensor& value);
template <class Kind = Intermediate> void sow(const std::string& name, const Tensor& value) {
  sow(Kind::kind(), name, value);
}
/// Whether somebody captures what would be sown so: ask before computing it.
bool is_captured(const VariableKind& kind, const std::string& name);

/// `auto [result, sown] = capture([&] { return model(x); });` with what was sown in a State; `filter` chooses.
template <class F> auto capture(F&& function, const Filter& filter = everything) {
  CaptureScope scope(filter);
  auto result = function();
  return std::pair<decltype(result), State>(std::move(result), scope.values());
}

}  // namespace weft
