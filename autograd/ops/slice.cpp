#include <weft/autograd/ops/slice.hpp>

#include <algorithm>
#include <limits>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/ops/pad.hpp>
#include <weft/autograd/ops/repeat.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

template <class Op> void check_part(const Op& op, const Shape& shape) {
  bool fits = op.starts.rank() == shape.rank() && op.counts.rank() == shape.rank() && op.steps.rank() == shape.rank();
  for (int i = 0; fits && i < shape.rank(); ++i) {
    int64_t last = op.starts[i] + (op.counts[i] - 1) * op.steps[i];
    fits = op.counts[i] == 0 || (op.counts[i] > 0 && op.starts[i] >= 0 && op.starts[i] < shape[i] && last >= 0 &&
                                 last < shape[i] && op.steps[i] != 0);
  }
  if (!fits)
    throw ShapeError(std::string(Op::name) + ": expected a part of " + to_string(shape) + ", got starts " +
                     to_string(op.starts) + ", counts " + to_string(op.counts) + " and steps " + to_string(op.steps));
}

Specs slice_shape(const op::Slice& op, std::span<const Spec> inputs) {
  check_part(op, inputs[0].shape);
  return {{op.counts, inputs[0].dtype}};
}

Tensor slice_view(const op::Slice& op, const Tensor& x) {
  Strides strides = x.strides();
  int64_t offset = x.offset();
  for (int i = 0; i < x.rank(); ++i) {
    if (op.counts.elements() > 0) offset += op.starts[i] * strides[i];
    strides[i] *= op.steps[i];
  }
  return x.strided_view(op.counts, strides, offset);
}

/// Zeros of `shape` with `part` where the slice reads: the transpose of slicing.
Tensor placed(const op::Slice& op, Tensor part, const Shape& shape) {
  Shape reversed, low, high, interior;
  for (int i = 0; i < shape.rank(); ++i) {
    int64_t first = op.starts[i], step = op.steps[i], reach = std::max<int64_t>(op.counts[i] - 1, 0) * step;
    if (step < 0) {
      reversed.push_back(i);
      first += reach;
      step = -step;
      reach = -reach;
    }
    bool none = op.counts[i] == 0;
    low.push_back(none ? shape[i] : first);
    high.push_back(none ? 0 : shape[i] - first - reach - 1);
    interior.push_back(none ? 0 : step - 1);
  }
  if (reversed.rank() > 0) part = flip(part, reversed);
  return pad_interior(part, low, high, interior);
}

Tensors slice_grad(const op::Slice& op, const GradCall& call) {
  return {placed(op, call.cotangent(), call.inputs[0].shape())};
}

Specs slice_update_shape(const op::SliceUpdate& op, std::span<const Spec> inputs) {
  check_part(op, inputs[0].shape);
  if (!(inputs[1].shape == op.counts))
    throw ShapeError("slice_update: expected updates of shape " + to_string(op.counts) + ", got " +
                     to_string(inputs[1].shape));
  expect_same_dtype("slice_update", inputs[0], inputs[1]);
  return {inputs[0]};
}

Tensors slice_update_grad(const op::SliceUpdate& op, const GradCall& call) {
  Tensor x, updates;
  if (call.wants(0)) x = apply(op, {call.cotangent(), zeros_view(call.cotangent(), call.inputs[1].shape())});
  if (call.wants(1)) updates = apply(op::Slice{op.starts, op.counts, op.steps}, {call.cotangent()});
  return {x, updates};
}

/// What the items between brackets mean: the part that they read, and its shape once integers have taken their axes
/// away and newaxis has put some in.
struct Part {
  op::Slice slice;
  Shape shape;
  bool whole = true;
};

std::string describe(int axis, const Shape& shape) {
  return "axis " + std::to_string(axis) + " of " + to_string(shape);
}

void add_range(Part& part, const Index& item, int64_t extent) {
  int64_t step = std::max(item.step, -std::numeric_limits<int64_t>::max());  // can be negated
  if (step == 0) throw ValueError("slice: expected a step that is not 0");
  // As Python: ends are first counted from the front, then cut to where the walk begins or ends.
  int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? extent : extent - 1;
  auto place = [&](std::optional<int64_t> end, int64_t otherwise) {
    if (!end) return otherwise;
    return std::clamp(*end < 0 ? *end + extent : *end, lowest, highest);
  };
  int64_t start = place(item.start, step > 0 ? lowest : highest);
  int64_t stop = place(item.stop, step > 0 ? highest : lowest);
  int64_t distance = step > 0 ? stop - start : start - stop, stride = step > 0 ? step : -step;
  int64_t count = distance <= 0 ? 0 : (distance - 1) / stride + 1;
  if (count <= 1) step = 1;
  part.slice.starts.push_back(count == 0 ? 0 : start);
  part.slice.counts.push_back(count);
  part.slice.steps.push_back(step);
  part.shape.push_back(count);
  part.whole = part.whole && count == extent && step == 1;
}

Part parse(const Shape& shape, const std::vector<Index>& items) {
  int used = 0, dots = 0;
  for (const Index& item : items) {
    used += item.kind == Index::Kind::integer || item.kind == Index::Kind::slice;
    dots += item.kind == Index::Kind::ellipsis;
  }
  if (dots > 1) throw ValueError("index: expected at most one ellipsis, got " + std::to_string(dots));
  if (used > shape.rank())
    throw IndexError("index: expected at most " + std::to_string(shape.rank()) + " items for " + to_string(shape) +
                     ", got " + std::to_string(used));
  Part part;
  int axis = 0;
  auto whole_axes = [&](int count) {
    for (; count > 0; --count, ++axis) add_range(part, slice(), shape[axis]);
  };
  for (const Index& item : items) {
    switch (item.kind) {
      case Index::Kind::newaxis: part.shape.push_back(1); break;
      case Index::Kind::ellipsis: whole_axes(shape.rank() - used); break;
      case Index::Kind::slice: add_range(part, item, shape[axis++]); break;
      case Index::Kind::integer: {
        int64_t extent = shape[axis], place = *item.start < 0 ? *item.start + extent : *item.start;
        if (place < 0 || place >= extent)
          throw IndexError("index: " + std::to_string(*item.start) + " out of range for " + describe(axis, shape));
        part.slice.starts.push_back(place);
        part.slice.counts.push_back(1);
        part.slice.steps.push_back(1);
        part.whole = part.whole && extent == 1;
        ++axis;
      }
    }
  }
  whole_axes(shape.rank() - axis);
  return part;
}

/// Updates for a part, in its dtype and with the axes that the slice itself leaves.
Tensor fitted(const Part& part, const Tensor& updates, DType dtype) {
  return reshape(broadcast_to(cast(updates, dtype), part.shape), part.slice.counts);
}

std::vector<Sample> slice_samples() {
  return {sample(op::Slice{{1, 0, 2}, {2, 5, 3}, {1, 1, 2}}, {spread({3, 5, 7}, -1, 1)}),
          sample(op::Slice{{4, 0}, {5, 3}, {-1, 2}}, {spread({5, 7}, -1, 1)}),
          sample(op::Slice{{9}, {4}, {-3}}, {spread({11}, -1, 1)}),
          sample(op::Slice{{}, {}, {}}, {spread({}, -1, 1)}),
          sample(op::Slice{{0, 1}, {0, 2}, {1, 1}}, {spread({5, 3}, -1, 1)}),
          sample(op::Slice{{1}, {3}, {2}}, {spread_booleans({7})})};
}
std::vector<Sample> slice_update_samples() {
  return {
      sample(op::SliceUpdate{{1, 0, 2}, {2, 5, 3}, {1, 1, 2}}, {spread({3, 5, 7}, -1, 1), spread({2, 5, 3}, -1, 1, 1)}),
      sample(op::SliceUpdate{{4, 0}, {5, 3}, {-1, 2}}, {spread({5, 7}, -1, 1), spread({5, 3}, -1, 1, 1)}),
      sample(op::SliceUpdate{{}, {}, {}}, {spread({}, -1, 1), spread({}, -1, 1, 1)}),
      sample(op::SliceUpdate{{0}, {0}, {1}}, {spread({5}, -1, 1), spread({0}, -1, 1, 1)}),
      sample(op::SliceUpdate{{2, 0}, {2, 5}, {1, 1}},
             {spread_integers({7, 5}, -9, 9, DType::int32), spread_integers({2, 5}, -9, 9, DType::int32, 1)})};
}

}  // namespace

void define_slice() {
  define_primitive<op::Slice>({.shape = slice_shape, .grad = slice_grad, .view = slice_view, .samples = slice_samples});
  define_primitive<op::SliceUpdate>(
      {.shape = slice_update_shape, .grad = slice_update_grad, .samples = slice_update_samples});
}

Tensor index(const Tensor& x, const std::vector<Index>& items) {
  Part part = parse(x.shape(), items);
  return reshape(part.whole ? x : apply(part.slice, {x}), part.shape);
}

Tensor Tensor::operator[](std::initializer_list<Index> items) const { return index(*this, std::vector<Index>(items)); }
Tensor Tensor::operator[](const Index& item) const { return index(*this, {item}); }

Tensor slice_update(const Tensor& x, const Tensor& updates, const std::vector<Index>& items) {
  Part part = parse(x.shape(), items);
  const op::Slice& slice = part.slice;
  return apply(op::SliceUpdate{slice.starts, slice.counts, slice.steps}, {x, fitted(part, updates, x.dtype())});
}

Tensor slice_add(const Tensor& x, const Tensor& updates, const std::vector<Index>& items) {
  Part part = parse(x.shape(), items);
  return add(x, placed(part.slice, fitted(part, updates, x.dtype()), x.shape()));
}

Tensor slice_axis(const Tensor& x, int axis, int64_t start, int64_t stop) {
  axis = normalize_axis(axis, x.shape(), "slice_axis");
  std::vector<Index> items(static_cast<size_t>(axis), slice());
  items.push_back(slice(start, stop));
  return index(x, items);
}

}  // namespace weft
