#include <weft/layers/attention_checks.hpp>

#include <weft/core/error.hpp>

namespace weft {
namespace {

/// Whether extents fit `full` from axis `first` on, 1 standing for any.
bool fits(const Shape& extents, const Shape& full, int first) {
  for (int i = 0; i < extents.rank(); ++i)
    if (extents[i] != 1 && extents[i] != full[first + i]) return false;
  return true;
}

/// `mask` as it would be with its leading axes taken for batch axes.
Shape with_head_axis(const Shape& mask) {
  Shape shape = mask;
  shape.insert(mask.rank() - 2, 1);
  return shape;
}

}  // namespace

void check_attention_inputs(const Tensor& query, const Tensor& key, const Tensor& value) {
  struct Named {
    const char* name;
    const Tensor& tensor;
  };
  for (const Named& input : {Named{"query", query}, Named{"key", key}, Named{"value", value}})
    if (input.tensor.rank() < 2)
      throw ShapeError(std::string(input.name) + ": expected inputs [batch..., length, features], got " +
                       to_string(input.tensor.shape()));
  const Shape &q = query.shape(), &k = key.shape(), &v = value.shape();
  if (k[k.rank() - 2] != v[v.rank() - 2])
    throw ShapeError("expected keys and values of one length, got key " + to_string(k) + " and value " + to_string(v));
  for (const Named& input : {Named{"key", key}, Named{"value", value}}) {
    const Shape& shape = input.tensor.shape();
    int shift = q.rank() - shape.rank();
    if (shift < 0 || !fits(shape.slice(0, shape.rank() - 2), q, shift))
      throw ShapeError(std::string(input.name) + ": expected the query's batch axes " +
                       to_string(q.slice(0, q.rank() - 2)) + " (or 1, or fewer), got query " + to_string(q) + " and " +
                       input.name + ' ' + to_string(shape));
  }
}

void check_mask(const char* what, const Tensor& mask, const Shape& logits) {
  if (!mask.defined()) return;
  const Shape& shape = mask.shape();
  int shift = logits.rank() - shape.rank(), batch = logits.rank() - 3;
  bool aligned = shift >= 0 && fits(shape, logits, shift);
  bool per_batch = false;
  if (batch >= 1 && shape.rank() == batch + 2) {
    per_batch = fits(with_head_axis(shape), logits, 0);
    bool same_either_way = true;
    for (int axis = 0; axis < batch; ++axis) same_either_way &= shape[axis] == 1;
    if (aligned && per_batch && !same_either_way) {
      Shape heads = shape;
      heads.insert(0, 1);
      throw ShapeError(std::string(what) + ": got " + to_string(shape) +
                       ", which fits both as one for each batch entry, " + to_string(with_head_axis(shape)) +
                       ", and as one for each head, " + to_string(heads) +
                       "; expected the four-axis shape that is meant");
    }
  }
  if (aligned) return;
  throw ShapeError(std::string(what) + ": expected a shape that broadcasts to [batch..., heads, Lq, Lkv] = " +
                   to_string(logits) + ", got " + to_string(shape) +
                   (per_batch ? "; for one of each batch entry say " + to_string(with_head_axis(shape)) : ""));
}

}  // namespace weft
