#include <weft/autograd/ops/cast.hpp>

#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/samples.hpp>

namespace weft {
namespace {

Specs cast_shape(const op::Cast& op, std::span<const Spec> in) { return {{in[0].shape, op.dtype}}; }

Tensors cast_grad(const op::Cast& op, const GradCall& c) {
  bool flows = is_floating(op.dtype) && is_floating(c.inputs[0].dtype());
  return {flows ? cast(c.cotangent(), c.inputs[0].dtype()) : Tensor()};
}

std::vector<Sample> cast_samples() {
  std::vector<Sample> samples = {sample(op::Cast{DType::float64}, {spread({3, 67}, -3, 3)}),
                                 sample(op::Cast{DType::float64}, {spread({0, 2}, -3, 3)}),
                                 sample(op::Cast{DType::float64}, {spread({}, -3, 3)})};
  for (DType dtype : {DType::float32, DType::bfloat16, DType::float16, DType::int32, DType::int64, DType::boolean}) {
    samples.push_back(sample(op::Cast{dtype}, {spread({3, 67}, -3, 3)}, false));
    samples.push_back(sample(op::Cast{dtype}, {spread_integers({5, 7}, -3, 3, DType::int32)}, false));
    samples.push_back(sample(op::Cast{dtype}, {spread_integers({5, 7}, -3, 3, DType::int64)}, false));
    samples.push_back(sample(op::Cast{dtype}, {spread_booleans({5, 7})}, false));
  }
  return samples;
}

Specs copy_shape(const op::Copy&, std::span<const Spec> in) { return {in[0]}; }
Tensors copy_grad(const op::Copy&, const GradCall& c) { return {c.cotangent()}; }

std::vector<Sample> copy_samples() {
  return {sample(op::Copy{}, {spread({3, 67}, -1, 1)}), sample(op::Copy{}, {spread({}, -1, 1)}),
          sample(op::Copy{}, {spread({0, 2}, -1, 1)}),
          sample(op::Copy{}, {spread_integers({5, 7}, -9, 9, DType::int64)}),
          sample(op::Copy{}, {spread_booleans({37})})};
}

}  // namespace

void define_cast() {
  define_primitive<op::Cast>({.shape = cast_shape, .grad = cast_grad, .samples = cast_samples, .elementwise = true});
  define_primitive<op::Copy>({.shape = copy_shape, .grad = copy_grad, .samples = copy_samples, .elementwise = true});
}

Tensor cast(const Tensor& x, DType dtype) { return x.dtype() == dtype ? x : apply(op::Cast{dtype}, {x}); }
Tensor copy(const Tensor& x) { return apply(op::Copy{}, {x}); }
Tensor contiguous(const Tensor& x) { return x.is_contiguous() ? x : copy(x); }

}  // namespace weft
