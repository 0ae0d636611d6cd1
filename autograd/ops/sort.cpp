#include <weft/autograd/ops/sort.hpp>

#include <limits>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/gather.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

Specs argsort_shape(const op::Argsort& op, std::span<const Spec> inputs) {
  int axis = normalize_axis(op.axis, inputs[0].shape, "argsort");
  if (inputs[0].shape[axis] > std::numeric_limits<int32_t>::max())
    throw ShapeError("argsort: expected at most 2^31 - 1 elements along an axis, got " + to_string(inputs[0].shape));
  return {{inputs[0].shape, DType::int32}};
}

Specs searchsorted_shape(const op::SearchSorted&, std::span<const Spec> inputs) {
  expect_same_dtype("searchsorted", inputs[0], inputs[1]);
  if (inputs[0].shape.rank() != 1)
    throw ShapeError("searchsorted: expected a sorted vector, got " + to_string(inputs[0].shape));
  return {{inputs[1].shape, DType::int32}};
}

/// Few different numbers, so that many are equal.
Tensor with_ties(const Shape& shape) {
  Tensor numbers = spread(shape, -3, 3);
  double* values = numbers.mutable_data<double>();
  for (int64_t i = 0; i < numbers.elements(); ++i) values[i] = static_cast<double>(static_cast<int>(values[i]));
  return numbers;
}

Tensor with_nans(const Shape& shape) {
  Tensor numbers = spread(shape, -3, 3);
  double* values = numbers.mutable_data<double>();
  for (int64_t i = 0; i < numbers.elements(); i += 3) values[i] = std::numeric_limits<double>::quiet_NaN();
  return numbers;
}

std::vector<Sample> argsort_samples() {
  return {sample(op::Argsort{1, false}, {spread({3, 7, 2}, -1, 1)}),
          sample(op::Argsort{0, true}, {spread({11, 5}, -1, 1)}),
          sample(op::Argsort{0, false}, {with_ties({53})}),
          sample(op::Argsort{0, true}, {with_ties({53})}),
          sample(op::Argsort{1, false}, {with_nans({3, 7})}),
          sample(op::Argsort{1, true}, {with_nans({3, 7})}),
          sample(op::Argsort{0, false}, {spread({0, 3}, -1, 1)}),
          sample(op::Argsort{0, true}, {spread_booleans({13})}),
          sample(op::Argsort{1, true}, {spread_integers({3, 17}, -5, 5, DType::int64)}),
          sample(op::Argsort{1, false}, {spread({5, 601}, -1, 1)})};
}
std::vector<Sample> searchsorted_samples() {
  auto sorted = [](DType dtype) { return cast(sort(with_ties({17}).copy()), dtype); };
  return {sample(op::SearchSorted{false}, {sorted(DType::float64), spread({3, 5}, -4, 4)}),
          sample(op::SearchSorted{true}, {sorted(DType::float64), with_ties({11})}),
          sample(op::SearchSorted{false}, {sorted(DType::int32), spread_integers({7}, -4, 4, DType::int32)}),
          sample(op::SearchSorted{false}, {spread({0}, -1, 1), spread({3}, -1, 1)}),
          sample(op::SearchSorted{true}, {sorted(DType::float64), spread({}, -1, 1)})};
}

}  // namespace

void define_sort() {
  define_primitive<op::Argsort>({.shape = argsort_shape, .samples = argsort_samples, .not_differentiable = true});
  define_primitive<op::SearchSorted>(
      {.shape = searchsorted_shape, .samples = searchsorted_samples, .not_differentiable = true});
}

Tensor argsort(const Tensor& x, int axis, bool descending) {
  return apply(op::Argsort{normalize_axis(axis, x.shape(), "argsort"), descending}, {x});
}

Tensor sort(const Tensor& x, int axis, bool descending) {
  axis = normalize_axis(axis, x.shape(), "sort");
  return apply(op::TakeAlongAxis{axis}, {x, argsort(x, axis, descending)});
}

TopK top_k(const Tensor& x, int64_t k) {
  int axis = normalize_axis(-1, x.shape(), "top_k");
  if (k < 0 || k > x.shape()[axis])
    throw ValueError("top_k: expected k from 0 to " + std::to_string(x.shape()[axis]) + ", got " + std::to_string(k));
  Tensor indices = slice_axis(argsort(x, axis, true), axis, 0, k);
  return {apply(op::TakeAlongAxis{axis}, {x, indices}), indices};
}

Tensor median(const Tensor& x, int axis, bool keepdims) {
  axis = normalize_axis(axis, x.shape(), "median");
  int64_t count = x.shape()[axis];
  if (count == 0)
    throw ShapeError("median: expected elements along axis " + std::to_string(axis) + " of " + to_string(x.shape()));
  Tensor sorted = sort(cast(x, at_least_float(x.dtype())), axis);
  Tensor middle = slice_axis(sorted, axis, count / 2, count / 2 + 1);
  if (count % 2 == 0) middle = (slice_axis(sorted, axis, count / 2 - 1, count / 2) + middle) * 0.5;
  Tensor last = slice_axis(sorted, axis, count - 1, count);  // a NaN if there is any
  middle = where(isnan(last), last, middle);
  return keepdims ? middle : squeeze(middle, axis);
}

Tensor median(const Tensor& x) { return median(ravel(x), 0); }

Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right) {
  DType dtype = promote(sorted.dtype(), values.dtype());
  return apply(op::SearchSorted{right}, {cast(sorted, dtype), cast(values, dtype)});
}

}  // namespace weft
