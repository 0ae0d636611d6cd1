#pragma once

#include <cstdint>

#include <weft/core/ref.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

/// A tensor that stays between calls and that jit follows: each run of a plan reads it anew and writes it at its end.
/// The cells of Variables are such.
class StateCell : public RefCounted {
 public:
  virtual ~StateCell() = default;

  bool has_value() const { return value_.defined(); }
  /// Undefined until there is one; never on a tape.
  const Tensor& value() const {
    if (tracing()) touch();
    return value_;
  }
  /// The tape is dropped.
  void set_value(const Tensor& value) {
    if (tracing()) touch();
    value_ = value.detach();
  }
  /// The same behind jit's back: for jit itself.
  Tensor& untraced_value() { return value_; }

 private:
  static bool tracing();
  void touch() const;
  Tensor value_;
};
void retain_object(StateCell* cell);
void release_object(StateCell* cell);

/// Changes whenever train(), eval(), set_attributes() or a change of the set of Variables may have changed what a
/// recorded plan would do.
uint64_t structure_epoch();
void bump_structure_epoch();

}  // namespace weft
