#pragma once

#include <weft/core/tensor.hpp>

namespace weft {

/// Who is asked when host code, rather than an op, wants the elements of a tensor that is only traced: jit's tracing.
class TensorTracer {
 public:
  virtual ~TensorTracer() = default;
  /// `source` in fresh row-major memory, traced as well.
  virtual Tensor copy(const Tensor& source) = 0;
  /// The same on another device.
  virtual Tensor move(const Tensor& source, Device device) = 0;
};

/// The tracer of this thread, or null.
TensorTracer* tensor_tracer();
/// Puts another in its place and returns the former.
TensorTracer* exchange_tensor_tracer(TensorTracer* tracer);

/// Throws StateError: the elements are not known while a function is traced, nor afterwards.
[[noreturn]] void throw_traced(const char* what, const Tensor& tensor);

}  // namespace weft
