#include <weft/autograd/ops/join.hpp>

#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

Specs concatenate_shape(const op::Concatenate& op, std::span<const Spec> inputs) {
  if (inputs.empty()) throw ValueError("concatenate: expected at least one tensor");
  Spec result = inputs[0];
  int axis = normalize_axis(op.axis, result.shape, "concatenate");
  for (const Spec& input : inputs.subspan(1)) {
    expect_same_dtype("concatenate", inputs[0], input);
    bool fits = input.shape.rank() == result.shape.rank();
    for (int i = 0; fits && i < result.shape.rank(); ++i) fits = i == axis || input.shape[i] == result.shape[i];
    if (!fits)
      throw ShapeError("concatenate: expected shapes that differ at axis " + std::to_string(axis) + " alone, got " +
                       to_string(inputs[0].shape) + " and " + to_string(input.shape));
    result.shape[axis] += input.shape[axis];
  }
  return {result};
}

Tensors concatenate_grad(const op::Concatenate& op, const GradCall& call) {
  Tensors gradients;
  int64_t start = 0;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    int64_t extent = call.inputs[i].shape()[op.axis];
    gradients.push_back(call.wants(i) ? slice_axis(call.cotangent(), op.axis, start, start + extent) : Tensor());
    start += extent;
  }
  return gradients;
}

std::vector<Sample> concatenate_samples() {
  return {
      sample(op::Concatenate{1}, {spread({3, 2, 5}, -1, 1), spread({3, 7, 5}, -1, 1, 1), spread({3, 1, 5}, -1, 1, 2)}),
      sample(op::Concatenate{0}, {spread({2, 3}, -1, 1), spread({5, 3}, -1, 1, 1)}),
      sample(op::Concatenate{1}, {spread({3, 2}, -1, 1), spread({3, 0}, -1, 1, 1), spread({3, 5}, -1, 1, 2)}),
      sample(op::Concatenate{0}, {spread({7}, -1, 1)}),
      sample(op::Concatenate{1}, {spread({0, 2}, -1, 1), spread({0, 3}, -1, 1)}),
      sample(op::Concatenate{0},
             {spread_integers({3}, -9, 9, DType::int32), spread_integers({2}, -9, 9, DType::int32)}),
      sample(op::Concatenate{1}, {spread_booleans({3, 2}), spread_booleans({3, 5})})};
}

}  // namespace

void define_join() {
  define_primitive<op::Concatenate>(
      {.shape = concatenate_shape, .grad = concatenate_grad, .samples = concatenate_samples});
}

Tensor concatenate(const std::vector<Tensor>& tensors, int axis) {
  if (tensors.empty()) throw ValueError("concatenate: expected at least one tensor");
  DType dtype = tensors[0].dtype();
  for (const Tensor& tensor : tensors) dtype = promote(dtype, tensor.dtype());
  Tensors inputs;
  for (const Tensor& tensor : tensors) inputs.push_back(cast(tensor, dtype));
  axis = normalize_axis(axis, tensors[0].shape(), "concatenate");
  return inputs.size() == 1 ? inputs[0] : weft::apply(op::Concatenate{axis}, std::span<const Tensor>(inputs));
}

Tensor stack(const std::vector<Tensor>& tensors, int axis) {
  if (tensors.empty()) throw ValueError("stack: expected at least one tensor");
  Tensors inputs;
  for (const Tensor& tensor : tensors) {
    if (!(tensor.shape() == tensors[0].shape()))
      throw ShapeError("stack: expected tensors of one shape, got " + to_string(tensors[0].shape()) + " and " +
                       to_string(tensor.shape()));
    inputs.push_back(expand_dims(tensor, axis));
  }
  return concatenate(inputs, axis);
}

std::vector<Tensor> split(const Tensor& x, int64_t sections, int axis) {
  axis = normalize_axis(axis, x.shape(), "split");
  int64_t extent = x.shape()[axis];
  if (sections < 1 || extent % sections != 0)
    throw ShapeError("split: expected a number of sections that divides axis " + std::to_string(axis) + " of " +
                     to_string(x.shape()) + ", got " + std::to_string(sections));
  std::vector<int64_t> places;
  for (int64_t i = 1; i < sections; ++i) places.push_back(i * (extent / sections));
  return split_at(x, places, axis);
}

std::vector<Tensor> split_at(const Tensor& x, const std::vector<int64_t>& places, int axis) {
  axis = normalize_axis(axis, x.shape(), "split_at");
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (int64_t place : places) {
    parts.push_back(slice_axis(x, axis, start, place));
    start = place;
  }
  parts.push_back(slice_axis(x, axis, start, x.shape()[axis]));
  return parts;
}

}  // namespace weft
