#include <weft/autograd/ops/attention.hpp>

#include <cmath>
#include <string>

#include <weft/autograd/ops/attention_composed.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/random.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

/// What a call's arrays have in common.
struct Sizes {
  Shape batch;
  int64_t query_length, key_length, heads, kv_heads, head_dim, value_dim;
};

[[noreturn]] void refuse(const char* what, const std::string& expected, const Shape& got) {
  throw ShapeError(std::string("attention: expected ") + what + ' ' + expected + ", got " + to_string(got));
}

Sizes checked_sizes(const Tensor& query, const Tensor& key, const Tensor& value) {
  const Shape &q = query.shape(), &k = key.shape(), &v = value.shape();
  if (q.rank() < 3) refuse("query", "[batch..., length, heads, features]", q);
  if (k.rank() != q.rank() || v.rank() != q.rank())
    throw ShapeError("attention: expected query, key and value of the same rank, got " + to_string(q) + ", " +
                     to_string(k) + " and " + to_string(v));
  const int b = q.rank() - 3;
  Sizes s{q.slice(0, b), q[b], k[b], q[b + 1], k[b + 1], q[b + 2], v[b + 2]};
  for (const Shape* other : {&k, &v})
    for (int axis = 0; axis < b; ++axis)
      if ((*other)[axis] != q[axis] && (*other)[axis] != 1)
        throw ShapeError("attention: expected the query's batch axes " + to_string(s.batch) +
                         " in key and value, got key " + to_string(k) + " and value " + to_string(v));
  if (v[b] != s.key_length)
    throw ShapeError("attention: expected as many values as keys, got key " + to_string(k) + " and value " +
                     to_string(v));
  if (k[b + 2] != s.head_dim)
    throw ShapeError("attention: expected keys with the query's " + std::to_string(s.head_dim) +
                     " features per head, got query " + to_string(q) + " and key " + to_string(k));
  if (v[b + 1] != s.kv_heads)
    throw ShapeError("attention: expected as many value heads as key heads, got key " + to_string(k) + " and value " +
                     to_string(v));
  if (s.kv_heads < 1 || s.heads % s.kv_heads != 0)
    throw ShapeError("attention: expected query heads that are a multiple of the key heads, got " +
                     std::to_string(s.heads) + " and " + std::to_string(s.kv_heads));
  return s;
}

/// [batch..., length, heads, features] with one batch axis of the whole batch's extent; a broadcast batch stays a view
/// where it is a single axis.
Tensor with_one_batch_axis(const Tensor& x, const Shape& batch) {
  const int b = batch.rank();
  Shape full = batch;
  for (int axis = b; axis < x.rank(); ++axis) full.push_back(x.shape()[axis]);
  Tensor whole = full == x.shape() ? x : broadcast_to(x, full);
  if (b == 1) return whole;
  Shape flat{batch.elements()};
  for (int axis = b; axis < x.rank(); ++axis) flat.push_back(x.shape()[axis]);
  return reshape(whole, flat);
}

/// A mask or bias as [B or 1, heads or 1, Lq or 1, Lk or 1].
Tensor as_grid(const char* what, const Tensor& x, const Sizes& s) {
  Shape full = s.batch;
  for (int64_t extent : {s.heads, s.query_length, s.key_length}) full.push_back(extent);
  const int missing = full.rank() - x.rank();
  bool fits = missing >= 0;
  for (int axis = 0; fits && axis < x.rank(); ++axis)
    fits = x.shape()[axis] == 1 || x.shape()[axis] == full[axis + missing];
  if (!fits) refuse(what, "that broadcasts to " + to_string(full), x.shape());
  Shape padded = Shape::filled(missing, 1);
  for (int64_t extent : x.shape()) padded.push_back(extent);
  Tensor grid = missing > 0 ? reshape(x, padded) : x;
  const int b = s.batch.rank();
  if (b == 1) return grid;
  Shape own_batch = padded.slice(0, b);
  Shape target{own_batch.elements()};
  for (int axis = b; axis < padded.rank(); ++axis) target.push_back(padded[axis]);
  if (own_batch.elements() == 1 || own_batch == s.batch) return reshape(grid, target);
  Shape whole = s.batch;
  for (int axis = b; axis < padded.rank(); ++axis) whole.push_back(padded[axis]);
  target[0] = s.batch.elements();
  return reshape(broadcast_to(grid, whole), target);
}

Tensor as_lengths(const char* what, const Tensor& lengths, const Sizes& s) {
  if (!is_integer(lengths.dtype()))
    throw DTypeError(std::string("attention: expected ") + what + " of integers, got " + to_string(lengths.spec()));
  if (!(broadcast_shapes(lengths.shape(), s.batch, "attention") == s.batch))
    refuse(what, to_string(s.batch), lengths.shape());
  return reshape(broadcast_to(cast(lengths, DType::int32), s.batch), {s.batch.elements()});
}

void check_numbers(const AttentionOptions& options) {
  if (!(options.dropout_rate >= 0 && options.dropout_rate <= 1))
    throw ValueError("attention: expected a dropout rate from 0 to 1, got " + std::to_string(options.dropout_rate));
  if (!(options.soft_cap >= 0))
    throw ValueError("attention: expected a soft cap of at least 0, got " + std::to_string(options.soft_cap));
  if (options.window_left < -1 || options.window_right < -1)
    throw ValueError("attention: expected a window of at least 0 (or -1 for none), got " +
                     std::to_string(options.window_left) + " and " + std::to_string(options.window_right));
}

AttentionResult run(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionOptions& options,
                    bool with_weights) {
  const Sizes s = checked_sizes(query, key, value);
  check_numbers(options);
  if (options.null_key.defined() != options.null_value.defined())
    throw ValueError("attention: expected both null_key and null_value, or neither");
  DType dtype = at_least_float(promote(promote(query.dtype(), key.dtype()), value.dtype()));
  for (const Tensor& tensor : {options.bias, options.null_key, options.null_value})
    if (tensor.defined()) dtype = promote(dtype, tensor.dtype());

  op::Attention op;
  op.scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(s.head_dim)));
  op.soft_cap = options.soft_cap;
  op.window_left = options.window_left;
  op.window_right = options.window_right;
  op.causal = options.causal;
  op.fully_masked = options.fully_masked;
  op.with_weights = with_weights;
  std::vector<Tensor> inputs;
  for (const Tensor& rows : {query, key, value}) inputs.push_back(with_one_batch_axis(cast(rows, dtype), s.batch));
  if ((op.has_mask = options.mask.defined()))
    inputs.push_back(as_grid("a mask", cast(options.mask, DType::boolean), s));
  if ((op.has_bias = options.bias.defined())) inputs.push_back(as_grid("a bias", cast(options.bias, dtype), s));
  if ((op.has_query_lengths = options.query_lengths.defined()))
    inputs.push_back(as_lengths("query lengths", options.query_lengths, s));
  if ((op.has_key_lengths = options.key_lengths.defined()))
    inputs.push_back(as_lengths("key lengths", options.key_lengths, s));
  if ((op.has_null = options.null_key.defined())) {
    if (!(options.null_key.shape() == Shape{s.kv_heads, s.head_dim}))
      refuse("a null key", to_string(Shape{s.kv_heads, s.head_dim}), options.null_key.shape());
    if (!(options.null_value.shape() == Shape{s.kv_heads, s.value_dim}))
      refuse("a null value", to_string(Shape{s.kv_heads, s.value_dim}), options.null_value.shape());
    inputs.push_back(cast(options.null_key, dtype));
    inputs.push_back(cast(options.null_value, dtype));
  }
  if ((op.has_dropout = options.dropout_rate > 0)) {
    op.dropout_rate = options.dropout_rate;
    op.dropout_broadcast = options.dropout_broadcast;
    inputs.push_back(key_tensor(options.dropout_key, query.device()));
  }
  std::vector<Tensor> outputs = apply_all(op, std::span<const Tensor>(inputs));
  if (s.batch.rank() == 1) return {outputs[0], with_weights ? outputs[2] : Tensor(), outputs[1]};
  auto restored = [&](const Tensor& x) {
    Shape shape = s.batch;
    for (int axis = 1; axis < x.rank(); ++axis) shape.push_back(x.shape()[axis]);
    return reshape(x, shape);
  };
  return {restored(outputs[0]), with_weights ? restored(outputs[2]) : Tensor(), restored(outputs[1])};
}

}  // namespace

Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionOptions& options) {
  return run(query, key, value, options, false).out;
}

AttentionResult attention_with_weights(const Tensor& query, const Tensor& key, const Tensor& value,
                                       const AttentionOptions& options) {
  return run(query, key, value, options, true);
}

Tensor make_attention_mask(const Tensor& query_valid, const Tensor& key_valid) {
  if (query_valid.rank() < 1 || key_valid.rank() != query_valid.rank())
    throw ShapeError("make_attention_mask: expected [batch..., Lq] and [batch..., Lk], got " +
                     to_string(query_valid.shape()) + " and " + to_string(key_valid.shape()));
  return expand_dims(logical_and(expand_dims(query_valid, -1), expand_dims(key_valid, -2)), -3);
}

Tensor combine_masks(const std::vector<Tensor>& masks) {
  Tensor result;
  for (const Tensor& mask : masks) {
    if (!mask.defined()) continue;
    result = result.defined() ? logical_and(result, mask) : cast(mask, DType::boolean);
  }
  return result;
}

}  // namespace weft
