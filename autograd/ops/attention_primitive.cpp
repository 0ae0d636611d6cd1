#include <string>

#include <weft/autograd/ops/attention.hpp>
#include <weft/autograd/ops/attention_composed.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/random.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/shape_rules.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

/// Whether `shape` is `full` with some extents 1.
bool broadcasts_to(const Shape& shape, const Shape& full) {
  bool fits = shape.rank() == full.rank();
  for (int axis = 0; fits && axis < full.rank(); ++axis) fits = shape[axis] == 1 || shape[axis] == full[axis];
  return fits;
}

void expect_shape(const char* what, const Spec& spec, const Shape& expected) {
  if (!(spec.shape == expected))
    throw ShapeError(std::string("attention: expected ") + what + " of shape " + to_string(expected) + ", got " +
                     to_string(spec.shape));
}

void expect_grid(const char* what, const Spec& spec, const Shape& full) {
  if (!broadcasts_to(spec.shape, full))
    throw ShapeError(std::string("attention: expected ") + what + " that broadcasts to " + to_string(full) + ", got " +
                     to_string(spec.shape));
}

/// Rounded to a half type it would spoil the weights that the gradient finds from it.
DType logsumexp_dtype(DType dtype) { return is_half(dtype) ? DType::float32 : dtype; }

Specs attention_shape(const op::Attention& op, std::span<const Spec> in) {
  const Shape &q = in[0].shape, &k = in[1].shape, &v = in[2].shape;
  expect_float("attention", in[0]);
  expect_same_dtype("attention", in[0], in[1]);
  expect_same_dtype("attention", in[0], in[2]);
  if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4 || k[0] != q[0] || k[3] != q[3] || k[2] < 1 || q[2] % k[2] != 0)
    throw ShapeError(
        "attention: expected query [B, Lq, heads, D], key [B, Lk, kv_heads, D] and value [B, Lk, kv_heads, Dv], "
        "got " +
        to_string(q) + ", " + to_string(k) + " and " + to_string(v));
  expect_shape("values", in[2], {k[0], k[1], k[2], v[3]});
  size_t next = 3;
  const Shape grid{q[0], q[2], q[1], k[1]};
  if (op.has_mask) {
    expect_boolean("attention", in[next]);
    expect_grid("a mask", in[next++], grid);
  }
  if (op.has_bias) {
    expect_same_dtype("attention", in[0], in[next]);
    expect_grid("a bias", in[next++], grid);
  }
  for (bool has_lengths : {op.has_query_lengths, op.has_key_lengths})
    if (has_lengths) {
      expect_dtype("attention", in[next], {DType::int32}, "int32 lengths");
      expect_shape("lengths", in[next++], {q[0]});
    }
  if (op.has_null) {
    expect_same_dtype("attention", in[0], in[next]);
    expect_shape("a null key", in[next++], {k[2], k[3]});
    expect_same_dtype("attention", in[0], in[next]);
    expect_shape("a null value", in[next++], {k[2], v[3]});
  }
  if (op.has_dropout) {
    expect_dtype("attention", in[next], {DType::int32}, "an int32 key");
    expect_shape("a random key", in[next++], {4});
  }
  Specs specs{{{q[0], q[1], q[2], v[3]}, in[0].dtype}, {{q[0], q[1], q[2]}, logsumexp_dtype(in[0].dtype)}};
  if (op.with_weights) specs.push_back({{q[0], q[2], q[1], k[1] + op.has_null}, in[0].dtype});
  return specs;
}

/// Which input (of the call) each gradient belongs to; -1 where there is none.
struct GradientPlaces {
  int place[op::AttentionGrad::gradients] = {0, 1, 2, -1, -1, -1};

  explicit GradientPlaces(const op::Attention& op) {
    int next = 3 + op.has_mask;
    if (op.has_bias) place[op::AttentionGrad::bias] = next++;
    next += op.has_query_lengths + op.has_key_lengths;
    if (op.has_null) {
      place[op::AttentionGrad::null_key] = next;
      place[op::AttentionGrad::null_value] = next + 1;
    }
  }
};

Tensors attention_grad(const op::Attention& op, const GradCall& call) {
  const GradientPlaces places(op);
  op::AttentionGrad grad{op, 0};
  for (int i = 0; i < op::AttentionGrad::gradients; ++i)
    if (places.place[i] >= 0 && call.wants(static_cast<size_t>(places.place[i]))) grad.wanted |= 1u << i;
  std::vector<Tensor> inputs(call.inputs.begin(), call.inputs.end());
  inputs.insert(inputs.end(), call.outputs.begin(), call.outputs.end());
  inputs.insert(inputs.end(), call.cotangents.begin(), call.cotangents.end());
  Tensors gradients = apply_all(grad, std::span<const Tensor>(inputs)), result(call.inputs.size());
  size_t next = 0;
  for (int i = 0; i < op::AttentionGrad::gradients; ++i)
    if (grad.wants(i)) result[static_cast<size_t>(places.place[i])] = gradients[next++];
  return result;
}

Specs grad_shape(const op::AttentionGrad& op, std::span<const Spec> in) {
  const auto count = static_cast<size_t>(op.call.inputs()), results = static_cast<size_t>(op.call.outputs());
  const Specs outputs = attention_shape(op.call, in.first(count));
  for (size_t i = 0; i < results; ++i) {
    expect_shape("results", in[count + i], outputs[i].shape);
    expect_shape("cotangents", in[count + results + i], outputs[i].shape);
  }
  if (in[count + 1].dtype != outputs[1].dtype)
    throw DTypeError("attention_grad: expected a logsumexp of " + std::string(name_of(outputs[1].dtype)) + ", got " +
                     to_string(in[count + 1]));
  const GradientPlaces places(op.call);
  Specs specs;
  for (int i = 0; i < op::AttentionGrad::gradients; ++i)
    if (op.wants(i)) specs.push_back(in[static_cast<size_t>(places.place[i])]);
  return specs;
}

/// Query-key pairs of the whole call.
Flops pairs(const op::Attention& op, std::span<const Spec> in) {
  const Shape &q = in[0].shape, &k = in[1].shape;
  return static_cast<Flops>(Shape{q[0], q[1], q[2], k[1] + op.has_null}.elements());
}
Flops attention_flops(const op::Attention& op, std::span<const Spec> in, std::span<const Spec>) {
  return 2 * pairs(op, in) * static_cast<Flops>(in[0].shape[3] + in[2].shape[3]);
}
/// Five products, where the call has two.
Flops grad_flops(const op::AttentionGrad& op, std::span<const Spec> in, std::span<const Spec>) {
  return 2 * pairs(op.call, in) * static_cast<Flops>(3 * in[0].shape[3] + 2 * in[2].shape[3]);
}

struct Example {
  int64_t batch, query_length, key_length, heads, kv_heads, head_dim, value_dim;
  op::Attention op;
  Shape mask = {}, bias = {};

  Tensors inputs() const {
    Tensors in{spread({batch, query_length, heads, head_dim}, -1.5, 1.5),
               spread({batch, key_length, kv_heads, head_dim}, -1.5, 1.5, 1),
               spread({batch, key_length, kv_heads, value_dim}, -1, 1, 2)};
    if (op.has_mask) in.push_back(spread_booleans(mask, 5));
    if (op.has_bias) in.push_back(spread(bias, -1, 1, 6));
    if (op.has_query_lengths) in.push_back(spread_integers({batch}, 0, query_length + 1, DType::int32, 7));
    if (op.has_key_lengths) in.push_back(spread_integers({batch}, 0, key_length + 1, DType::int32, 8));
    if (op.has_null) {
      in.push_back(spread({kv_heads, head_dim}, -1, 1, 9));
      in.push_back(spread({kv_heads, value_dim}, -1, 1, 10));
    }
    if (op.has_dropout) in.push_back(key_tensor({91, 2, 3}));
    return in;
  }
};

std::vector<Example> examples() {
  using Op = op::Attention;
  auto with = [](auto&& change) {
    Op op;
    op.scale = 0.7;
    change(op);
    return op;
  };
  auto plain = [](Op&) {};
  std::vector<Example> list{
      {2, 3, 5, 2, 2, 4, 3, with(plain)},
      {1, 7, 7, 3, 3, 5, 2, with([](Op& op) { op.causal = Causal::top_left; })},
      {2, 3, 7, 2, 1, 3, 3, with([](Op& op) { op.causal = Causal::bottom_right; })},
      {1, 7, 3, 2, 2, 3, 2, with([](Op& op) { op.causal = Causal::bottom_right; })},
      {2, 5, 5, 4, 2, 3, 5, with([](Op& op) { op.window_left = 1, op.window_right = 2; })},
      {3, 5, 3, 2, 2, 3, 2, with([](Op& op) { op.has_query_lengths = op.has_key_lengths = true; })},
      {2, 3, 5, 2, 1, 3, 2, with([](Op& op) { op.has_null = true, op.soft_cap = 1.3; })},
      {2, 3, 5, 2, 2, 3, 2, with([](Op& op) { op.has_dropout = true, op.dropout_rate = 0.4; })},
      {2, 3, 5, 4, 2, 3, 2, with([](Op& op) {
         op.has_dropout = op.dropout_broadcast = op.has_null = op.with_weights = true, op.dropout_rate = 0.4;
       })},
      {0, 3, 5, 2, 2, 3, 2, with(plain)},
      {2, 0, 5, 2, 2, 3, 2, with(plain)},
      {2, 3, 0, 2, 2, 3, 2, with([](Op& op) { op.with_weights = true; })},
      {2, 3, 0, 2, 1, 3, 2, with([](Op& op) { op.has_null = true; })},
      {1, 37, 41, 2, 2, 17, 33, with([](Op& op) { op.causal = Causal::top_left; })}};
  for (const Shape& mask :
       {Shape{1, 1, 1, 5}, Shape{2, 1, 1, 5}, Shape{1, 2, 3, 5}, Shape{2, 2, 3, 5}, Shape{2, 1, 3, 1}})
    for (FullyMasked rule : {FullyMasked::zero, FullyMasked::uniform})
      list.push_back(
          {2, 3, 5, 2, 2, 3, 2, with([&](Op& op) { op.has_mask = true, op.fully_masked = rule; }), mask, {}});
  for (const Shape& bias :
       {Shape{1, 1, 1, 1}, Shape{2, 1, 1, 5}, Shape{1, 2, 3, 5}, Shape{2, 2, 3, 5}, Shape{2, 1, 3, 1}})
    list.push_back({2, 3, 5, 2, 2, 3, 2, with([](Op& op) { op.has_bias = true, op.soft_cap = 2; }), {}, bias});
  list.push_back({2,
                  5,
                  7,
                  4,
                  2,
                  3,
                  2,
                  with([](Op& op) {
                    op.causal = Causal::bottom_right, op.window_left = 3, op.soft_cap = 2, op.dropout_rate = 0.3;
                    op.has_mask = op.has_bias = op.has_query_lengths = op.has_key_lengths = op.has_null = true;
                    op.has_dropout = op.with_weights = true;
                  }),
                  {2, 1, 5, 7},
                  {1, 4, 1, 7}});
  return list;
}

std::vector<Sample> attention_samples() {
  std::vector<Sample> samples;
  // Where a row may be fully masked its logsumexp is -inf, of which no difference can be taken.
  for (const Example& e : examples()) {
    const bool finite = e.key_length > 0 && !e.op.has_mask && !e.op.has_query_lengths && !e.op.has_key_lengths &&
                        e.op.causal != Causal::bottom_right;
    samples.push_back(sample(e.op, e.inputs(), finite));
  }
  return samples;
}

/// With results that belong to the inputs, as the gradient may use either. Nothing smooth: moving the results alone
/// would mean nothing.
std::vector<Sample> grad_samples() {
  std::vector<Sample> samples;
  for (const Example& e : examples()) {
    Tensors inputs = e.inputs();
    Tensors outputs = attention_composed(e.op, inputs);
    op::AttentionGrad grad{e.op, 0b111u | (e.op.has_bias ? 0b1000u : 0u) | (e.op.has_null ? 0b110000u : 0u)};
    inputs.insert(inputs.end(), outputs.begin(), outputs.end());
    for (size_t i = 0; i < outputs.size(); ++i)
      inputs.push_back(spread(outputs[i].shape(), -1, 1, 11 + static_cast<int>(i)));
    samples.push_back(sample(grad, inputs, false, e.head_dim > 8 ? 10 : 1));
  }
  return samples;
}

}  // namespace

Tensor make_causal_mask(int64_t query_length, int64_t key_length, Causal causal) {
  if (query_length < 0 || key_length < 0)
    throw ValueError("make_causal_mask: expected lengths of at least 0, got " + std::to_string(query_length) + " and " +
                     std::to_string(key_length));
  if (causal == Causal::none) return full({query_length, key_length}, 1, DType::boolean);
  Tensor last = arange(query_length, DType::int64);
  if (causal == Causal::bottom_right) last = last + (key_length - query_length);
  return less_equal(arange(key_length, DType::int64), expand_dims(last, 1));
}

void define_attention() {
  define_primitive<op::Attention>({.shape = attention_shape,
                                   .grad = attention_grad,
                                   .composed = attention_composed,
                                   .samples = attention_samples,
                                   .saved_inputs = ~uint64_t{0},
                                   .saved_outputs = ~uint64_t{0},
                                   .flops = attention_flops});
  define_primitive<op::AttentionGrad>(
      {.shape = grad_shape, .composed = attention_grad_composed, .samples = grad_samples, .flops = grad_flops});
}

}  // namespace weft
