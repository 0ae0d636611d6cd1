#include <weft/layers/conv.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/core/error.hpp>

namespace weft {

Conv::Conv(const ConvOptions& options, Rngs& rngs)
    : kernel(options.kernel_init, rngs.params(), options.param_dtype),
      in_features(options.in_features),
      out_features(options.out_features),
      kernel_size(options.kernel_size),
      arguments{options.strides, options.padding, options.input_dilation, options.kernel_dilation, options.groups},
      mask(options.mask),
      dtype(options.dtype) {
  if (options.use_bias) bias = Param(options.bias_init, rngs.params(), options.param_dtype);
  check_size("out_features", out_features);
  check_size("groups", arguments.groups);
  if (kernel_size.rank() < 1 || kernel_size.rank() > 3)
    throw ValueError("conv: expected a kernel_size of one to three numbers, got " + to_string(kernel_size));
  for (int64_t extent : kernel_size) check_size("kernel_size", extent);
  if (out_features % arguments.groups != 0)
    throw ValueError("conv: expected out_features that the " + std::to_string(arguments.groups) +
                     " groups divide, got " + std::to_string(out_features));
  if (bias) bias.resolve({out_features});
  if (in_features != inferred) resolve(in_features);
}

void Conv::resolve(int64_t in) const {
  check_size("in_features", in);
  if (in % arguments.groups != 0)
    throw ValueError("conv: expected in_features that the " + std::to_string(arguments.groups) +
                     " groups divide, got " + std::to_string(in));
  Shape shape = kernel_size;
  shape.push_back(in / arguments.groups);
  shape.push_back(out_features);
  kernel.resolve(shape);
}

Tensor Conv::operator()(const Tensor& x) const {
  Scope scope(*this);
  int space = kernel_size.rank();
  if (x.rank() < space + 1)
    throw ShapeError("expected inputs [batch..., " + std::to_string(space) + " space axes, features], got " +
                     to_string(x.shape()));
  if (kernel.has_shape()) check_features(x, kernel.shape()[space] * arguments.groups);
  else resolve(x.shape().back());
  Tensor weights = kernel, offset = bias ? bias.get() : Tensor();
  DType type = compute_dtype(dtype, {x, weights, offset});
  if (mask.defined()) {
    if (!(mask.shape() == weights.shape()))
      throw ShapeError("expected a kernel mask of shape " + to_string(weights.shape()) + ", got " +
                       to_string(mask.shape()));
    weights = weights * in_dtype(mask, weights.dtype());
  }
  return conv(in_dtype(x, type), in_dtype(weights, type), arguments, in_dtype(offset, type));
}

}  // namespace weft
