#include <weft/layers/linear.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/matmul.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

Shape join(const Shape& a, const Shape& b, const Shape& c = {}) {
  Shape all = a;
  for (int64_t extent : b) all.push_back(extent);
  for (int64_t extent : c) all.push_back(extent);
  return all;
}

}  // namespace

Linear::Linear(const LinearOptions& options, Rngs& rngs)
    : kernel(options.kernel_init, rngs.params(), options.param_dtype),
      in_features(options.in_features),
      out_features(options.out_features),
      dtype(options.dtype) {
  if (options.use_bias) bias = Param(options.bias_init, rngs.params(), options.param_dtype);
  check_size("out_features", out_features);
  if (bias) bias.resolve({out_features});
  if (in_features == inferred) return;
  check_size("in_features", in_features);
  kernel.resolve({in_features, out_features});
}

Tensor Linear::operator()(const Tensor& x) const {
  Scope scope(*this);
  if (kernel.has_shape()) {
    check_features(x, kernel.shape()[0]);
  } else {
    check_has_features(x);
    kernel.resolve({x.shape().back(), out_features});
  }
  Tensor weights = kernel, offset = bias ? bias.get() : Tensor();
  DType type = compute_dtype(dtype, {x, weights, offset});
  return linear(in_dtype(x, type), in_dtype(weights, type), in_dtype(offset, type));
}

LinearGeneral::LinearGeneral(const LinearGeneralOptions& options, Rngs& rngs)
    : kernel(options.kernel_init, rngs.params(), options.param_dtype),
      in_features(options.in_features),
      out_features(options.out_features),
      axis(options.axis),
      batch_axis(options.batch_axis),
      batch_sizes(options.batch_sizes),
      dtype(options.dtype) {
  if (options.use_bias) bias = Param(options.bias_init, rngs.params(), options.param_dtype);
  if (in_features.rank() > 0 && in_features.rank() != axis.rank())
    throw ValueError("linear_general: expected one of in_features for each of the axes " + to_string(axis) + ", got " +
                     to_string(in_features));
  if (batch_sizes.rank() > 0 && batch_sizes.rank() != batch_axis.rank())
    throw ValueError("linear_general: expected one of batch_sizes for each of the batch axes " + to_string(batch_axis) +
                     ", got " + to_string(batch_sizes));
  for (int i = 0; i < batch_axis.rank(); ++i)
    if (batch_axis[i] != i)
      throw ValueError("linear_general: expected batch axes 0, 1, ... in this order, got " + to_string(batch_axis));
  if (in_features.rank() > 0 && out_features.rank() > 0 && batch_sizes.rank() == batch_axis.rank())
    resolve(in_features, out_features, batch_sizes);
}

void LinearGeneral::resolve(const Shape& in, const Shape& out, const Shape& batch) const {
  kernel.resolve(join(batch, in, out), {batch.elements() * in.elements(), out.elements()});
  if (bias) bias.resolve(join(batch, out), {batch.elements() * out.elements()});
}

Tensor LinearGeneral::operator()(const Tensor& x) const {
  Scope scope(*this);
  Shape contracted, order, in, batch, kept;  // order: batch, kept, contracted axes of x
  for (int64_t a : axis) {
    contracted.push_back(normalize_axis(static_cast<int>(a), x.shape(), "linear_general"));
    in.push_back(x.shape()[static_cast<int>(contracted.back())]);
  }
  for (int a = 0; a < batch_axis.rank(); ++a) batch.push_back(x.size(a));
  for (int a = 0; a < x.rank(); ++a) {
    bool is_contracted = false;
    for (int64_t c : contracted) is_contracted |= c == a;
    if (is_contracted) continue;
    order.push_back(a);
    if (a >= batch_axis.rank()) kept.push_back(x.shape()[a]);
  }
  for (int64_t a : contracted) order.push_back(a);
  if (order.rank() != x.rank())
    throw ShapeError("expected distinct axes to contract, got " + to_string(axis) + " of inputs " +
                     to_string(x.shape()));

  if (!kernel.has_shape()) {
    if (out_features.rank() == 0) throw ValueError("linear_general: out_features has to be given");
    if (in_features.rank() == 1) check_features(x, in_features[0]);
    resolve(in_features.rank() > 0 ? in_features : in, out_features, batch);
  }
  Shape weights_shape = kernel.shape();
  int leading = batch.rank() + in.rank();
  if (weights_shape.rank() < leading || !(weights_shape.slice(0, leading) == join(batch, in))) {
    if (in.rank() == 1 && batch.rank() == 0) check_features(x, weights_shape[0]);
    throw ShapeError("expected inputs with extents " + to_string(weights_shape.slice(0, leading)) + " along axes " +
                     to_string(join(batch_axis, axis)) + ", got " + to_string(x.shape()));
  }
  Shape out = weights_shape.slice(leading, weights_shape.rank());

  Tensor weights = kernel, offset = bias ? bias.get() : Tensor();
  DType type = compute_dtype(dtype, {x, weights, offset});
  weights = in_dtype(weights, type);
  offset = in_dtype(offset, type);
  Tensor input = in_dtype(x, type);
  bool in_order = true;
  for (int a = 0; a < order.rank(); ++a) in_order &= order[a] == a;
  if (!in_order) input = transpose(input, order);

  if (batch.rank() == 0) {
    if (in.rank() != 1) input = reshape(input, join(kept, {in.elements()}));
    if (weights_shape.rank() != 2) weights = reshape(weights, {in.elements(), out.elements()});
    if (offset.defined() && out.rank() != 1) offset = reshape(offset, {out.elements()});
    Tensor flat = linear(input, weights, offset);
    return out.rank() == 1 ? flat : reshape(flat, join(kept, out));
  }
  Tensor product = matmul(reshape(input, {batch.elements(), kept.elements(), in.elements()}),
                          reshape(weights, {batch.elements(), in.elements(), out.elements()}));
  if (offset.defined()) product = product + reshape(offset, {batch.elements(), 1, out.elements()});
  return reshape(product, join(batch, kept, out));
}

}  // namespace weft
