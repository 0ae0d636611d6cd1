#include <weft/autograd/ops/triangle.hpp>

#include <algorithm>

#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/pad.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

void expect_matrix(const char* op, const Shape& shape) {
  if (shape.rank() < 2) throw ShapeError(std::string(op) + ": expected [..., rows, columns], got " + to_string(shape));
}

/// `k`, or the first diagonal on its side that lies wholly outside the matrix.
int64_t nearby(int64_t k, const Shape& shape) { return std::clamp(k, -shape[shape.rank() - 2] - 1, shape.back() + 1); }

Specs triangle_shape(const op::Triangle&, std::span<const Spec> inputs) {
  expect_matrix("triangle", inputs[0].shape);
  return {inputs[0]};
}

Tensors triangle_grad(const op::Triangle& op, const GradCall& call) { return {apply(op, {call.cotangent()})}; }

std::vector<Sample> triangle_samples() {
  return {sample(op::Triangle{false, 0}, {spread({2, 5, 7}, -1, 1)}),
          sample(op::Triangle{true, 0}, {spread({7, 5}, -1, 1)}),
          sample(op::Triangle{false, -2}, {spread({5, 5}, -1, 1)}),
          sample(op::Triangle{true, 2}, {spread({3, 11}, -1, 1)}),
          sample(op::Triangle{true, -30}, {spread({3, 5}, -1, 1)}),
          sample(op::Triangle{false, -30}, {spread({3, 5}, -1, 1)}),
          sample(op::Triangle{false, 0}, {spread({0, 5}, -1, 1)}),
          sample(op::Triangle{true, 1}, {spread_booleans({3, 5})}),
          sample(op::Triangle{false, 1}, {spread_integers({3, 5}, -9, 9, DType::int32)})};
}

}  // namespace

void define_triangle() {
  define_primitive<op::Triangle>({.shape = triangle_shape, .grad = triangle_grad, .samples = triangle_samples});
}

Tensor tril(const Tensor& x, int64_t k) {
  expect_matrix("tril", x.shape());
  return apply(op::Triangle{false, nearby(k, x.shape())}, {x});
}
Tensor triu(const Tensor& x, int64_t k) {
  expect_matrix("triu", x.shape());
  return apply(op::Triangle{true, nearby(k, x.shape())}, {x});
}

Tensor diagonal(const Tensor& x, int64_t k) {
  expect_matrix("diagonal", x.shape());
  k = nearby(k, x.shape());
  int64_t rows = x.size(-2), columns = x.size(-1);
  int64_t count = std::max<int64_t>(0, k >= 0 ? std::min(rows, columns - k) : std::min(rows + k, columns));
  // In row-major order, neighbours on a diagonal are columns + 1 apart.
  Tensor flat = flatten(x, -2, -1);
  op::Slice op{Shape::filled(flat.rank(), 0), flat.shape(), Shape::filled(flat.rank(), 1)};
  int last = flat.rank() - 1;
  op.starts[last] = count == 0 ? 0 : k >= 0 ? k : -k * columns;
  op.counts[last] = count;
  op.steps[last] = columns + 1;
  return apply(op, {flat});
}

Tensor diag(const Tensor& x, int64_t k) {
  if (x.rank() == 2) return diagonal(x, k);
  if (x.rank() != 1) throw ShapeError("diag: expected a vector or a matrix, got " + to_string(x.shape()));
  constexpr int64_t farthest = int64_t{1} << 31;
  if (k < -farthest || k > farthest)
    throw ShapeError("diag: expected a diagonal at most 2^31 away, got " + std::to_string(k));
  int64_t count = x.size(0), side = count + (k >= 0 ? k : -k);
  static_cast<void>(Shape{side, side}.elements());  // throws when the matrix is too large to count
  if (count == 0) return reshape(pad(x, {{side * side, 0}}), {side, side});
  int64_t start = k >= 0 ? k : -k * side, reach = (count - 1) * (side + 1) + 1;
  return reshape(pad_interior(x, {start}, {side * side - start - reach}, {side}), {side, side});
}

Tensor trace(const Tensor& x, int64_t k) { return sum(diagonal(x, k), -1); }

}  // namespace weft
