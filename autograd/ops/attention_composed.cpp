#include <weft/autograd/ops/attention_composed.hpp>

#include <limits>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/attention_call.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/join.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/matmul.hpp>
#include <weft/autograd/ops/random.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/repeat.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/ops/unary.hpp>

namespace weft {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Both conditions, where an undefined one always holds.
Tensor both(const Tensor& a, const Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? logical_and(a, b) : a;
}

/// One call, step by step. Arrays are [B, heads, length, features] in here, and grids [B, heads, Lq, Lk]; boolean grids
/// keep axes of extent 1 where they do not vary.
class Composed {
 public:
  Composed(const op::Attention& op, const AttentionInputs& in)
      : op_(op),
        in_(in),
        batch_(in.query.shape()[0]),
        query_length_(in.query.shape()[1]),
        heads_(in.query.shape()[2]),
        key_length_(in.key.shape()[1]),
        kv_heads_(in.key.shape()[2]) {}

  Tensors run() {
    query_ = swapaxes(in_.query, 1, 2);
    key_ = swapaxes(in_.key, 1, 2);
    value_ = swapaxes(in_.value, 1, 2);
    if (key_length_ + op_.has_null == 0) return nothing_to_attend_to();
    find_allowed();
    Tensor logits = masked_logits();
    Tensor null_logits = op_.has_null ? null_slot_logits() : Tensor();
    soften(logits, null_logits);
    Tensor out = swapaxes(mixed_values(), 1, 2);
    Tensors results{out, reshape(swapaxes(logsumexp_, 1, 2), {batch_, query_length_, heads_})};
    if (op_.with_weights) results.push_back(op_.has_null ? concatenate({weights_, null_weights_}, 3) : weights_);
    return results;
  }

 private:
  Shape grid(int64_t columns) const { return {batch_, heads_, query_length_, columns}; }

  Tensors nothing_to_attend_to() const {
    const DType dtype = in_.query.dtype();
    const Device device = in_.query.device();
    Tensors results{zeros({batch_, query_length_, heads_, in_.value.shape()[3]}, dtype, device),
                    full({batch_, query_length_, heads_}, -infinity, dtype, device)};
    if (op_.with_weights) results.push_back(zeros(grid(0), dtype, device));
    return results;
  }

  /// Per-head products with the heads of a group side by side: [B, heads, Lq, n] . [B, kv_heads, n, m].
  Tensor grouped_product(const Tensor& rows, const Tensor& matrix) const {
    if (heads_ == kv_heads_) return matmul(rows, matrix);
    Tensor grouped = reshape(rows, {batch_, kv_heads_, heads_ / kv_heads_ * query_length_, rows.shape()[3]});
    return reshape(matmul(grouped, matrix), {batch_, heads_, query_length_, matrix.shape().back()});
  }

  /// [B or 1, kv_heads, ...] for each query head.
  Tensor per_head(const Tensor& x) const { return heads_ == kv_heads_ ? x : repeat(x, heads_ / kv_heads_, 1); }

  void find_allowed() {
    const Device device = in_.query.device();
    Tensor rows = reshape(arange(query_length_, DType::int64, device), {query_length_, 1});
    Tensor columns = arange(key_length_, DType::int64, device);
    Tensor places = op_.causal == Causal::bottom_right ? rows + (key_length_ - query_length_) : rows;
    if (op_.has_mask) allowed_ = in_.mask;
    if (op_.has_bias) allowed_ = both(allowed_, not_equal(in_.bias, -infinity));
    if (op_.has_key_lengths) allowed_ = both(allowed_, less(columns, reshape(in_.key_lengths, {batch_, 1, 1, 1})));
    if (op_.causal != Causal::none) allowed_ = both(allowed_, less_equal(columns, places));
    if (op_.window_left >= 0) allowed_ = both(allowed_, greater_equal(columns, places - op_.window_left));
    if (op_.window_right >= 0) allowed_ = both(allowed_, less_equal(columns, places + op_.window_right));
    if (op_.has_query_lengths) {
      inside_ = less(rows, reshape(in_.query_lengths, {batch_, 1, 1, 1}));
      allowed_ = both(allowed_, inside_);
    }
    if (!allowed_.defined()) return;
    while (allowed_.rank() < 4) allowed_ = expand_dims(allowed_, 0);
    Tensor seen = any(allowed_, -1, true);
    alive_ = op_.has_null ? inside_ : seen;
    attended_ = allowed_;
    if (op_.fully_masked == FullyMasked::uniform && !op_.has_null) {
      uniform_ = both(logical_not(seen), inside_);
      attended_ = logical_or(attended_, uniform_);
    }
    if (alive_.defined()) query_ = where(alive_, query_, 0.0);
  }

  /// Zeros where keys and values are not finite, so that 0 times NaN does not leak from where nobody looks; those who
  /// look get NaN back.
  Tensor masked_logits() {
    Tensor sound;
    if (allowed_.defined()) {
      sound = all(isfinite(key_), -1, true);
      key_ = where(sound, key_, 0.0);
      sound = per_head(swapaxes(sound, -1, -2));
    }
    Tensor logits = shaped(grouped_product(query_, swapaxes(key_, -1, -2)));
    if (op_.has_bias) logits = logits + in_.bias;
    if (sound.defined()) logits = where(sound, logits, std::numeric_limits<double>::quiet_NaN());
    return logits;
  }

  Tensor null_slot_logits() const { return shaped(grouped_product(query_, expand_dims(in_.null_key, -1))); }

  /// Scale and soft cap.
  Tensor shaped(const Tensor& products) const {
    Tensor logits = products * op_.scale;
    return op_.soft_cap > 0 ? tanh(logits * (1 / op_.soft_cap)) * op_.soft_cap : logits;
  }

  Tensor where_allowed(const Tensor& x, double otherwise) const {
    return allowed_.defined() ? where(allowed_, x, otherwise) : x;
  }
  Tensor where_alive(const Tensor& x, double otherwise) const {
    return alive_.defined() ? where(alive_, x, otherwise) : x;
  }

  /// Softmax over the columns that are allowed, the null slot included.
  void soften(const Tensor& logits, const Tensor& null_logits) {
    Tensor largest;
    if (key_length_ > 0) largest = max(where_allowed(logits, -infinity).detach(), -1, true);
    if (op_.has_null) largest = largest.defined() ? maximum(largest, null_logits.detach()) : null_logits.detach();
    largest = where_alive(largest, 0.0).detach();
    Tensor powers = exp(where_allowed(logits - largest, -infinity)), null_powers;
    Tensor total = sum(powers, -1, true);
    if (op_.has_null) {
      null_powers = exp(null_logits - largest);
      total = total + null_powers;
    }
    total = where_alive(total, 1.0);
    weights_ = powers / total;
    if (op_.has_null) null_weights_ = where_alive(null_powers / total, 0.0);
    logsumexp_ = where_alive(largest + log(total), -infinity);
    if (uniform_.defined()) weights_ = where(uniform_, 1 / static_cast<double>(key_length_), weights_);
  }

  Tensor mixed_values() {
    Tensor weights = weights_, null_weights = null_weights_;
    if (op_.has_dropout) {
      const Tensor factors = dropout_factors();
      weights = weights * slice_axis(factors, -1, 0, key_length_);
      if (op_.has_null) null_weights = null_weights * slice_axis(factors, -1, key_length_, key_length_ + 1);
    }
    Tensor sound, values = value_;
    if (attended_.defined()) {
      sound = isfinite(value_);
      values = where(sound, value_, 0.0);
    }
    Tensor out = grouped_product(weights, values);
    if (op_.has_null) out = out + grouped_product(null_weights, expand_dims(in_.null_value, 1));
    if (sound.defined()) {
      Tensor looks = broadcast_to(cast(attended_, value_.dtype()), grid(key_length_));
      Tensor hits = grouped_product(looks, cast(logical_not(sound), value_.dtype()));
      out = where(hits > 0.0, std::numeric_limits<double>::quiet_NaN(), out);
    }
    return out;
  }

  /// 0 where a weight is dropped, else 1 / (1 - rate).
  Tensor dropout_factors() const {
    const int64_t columns = key_length_ + op_.has_null;
    const Shape shape = op_.dropout_broadcast ? Shape{query_length_, columns} : grid(columns);
    // A uniform number is (bits >> 8) * 2^-24, exactly.
    Tensor numbers = weft::apply(op::RandomUniform{shape, 0, 1, DType::float32}, {in_.dropout_key});
    const double threshold = static_cast<double>(dropout_threshold(op_.dropout_rate)) * 0x1p-24;
    const double factor = op_.dropout_rate < 1 ? 1 / (1 - op_.dropout_rate) : 0;
    return cast(greater_equal(numbers, threshold), in_.query.dtype()) * factor;
  }

  const op::Attention& op_;
  const AttentionInputs& in_;
  const int64_t batch_, query_length_, heads_, key_length_, kv_heads_;
  Tensor query_, key_, value_;
  // Undefined where nothing is forbidden. `inside_`: rows before the query length; `alive_`: rows with something to
  // attend to; `uniform_`: rows without, that attend to all; `attended_`: where a weight may be other than 0.
  Tensor allowed_, inside_, alive_, uniform_, attended_;
  Tensor weights_, null_weights_, logsumexp_;
};

Tensors in_float32(std::span<const Tensor> tensors) {
  Tensors result;
  for (const Tensor& tensor : tensors)
    result.push_back(is_half(tensor.dtype()) ? cast(tensor, DType::float32) : tensor);
  return result;
}

/// The inputs that have gradients, in the order of op::AttentionGrad.
std::vector<size_t> differentiable_inputs(const op::Attention& op) {
  std::vector<size_t> places{0, 1, 2};
  size_t next = 3 + op.has_mask;
  if (op.has_bias) places.push_back(next++);
  next += op.has_query_lengths + op.has_key_lengths;
  if (op.has_null) {
    places.push_back(next);
    places.push_back(next + 1);
  }
  return places;
}

}  // namespace

Tensors attention_composed(const op::Attention& op, std::span<const Tensor> inputs) {
  const DType dtype = inputs[0].dtype();
  if (!is_half(dtype)) {
    const AttentionInputs in(op, inputs);
    return Composed(op, in).run();
  }
  Tensors results = attention_composed(op, in_float32(inputs));
  for (size_t i = 0; i < results.size(); ++i)
    if (i != 1) results[i] = cast(results[i], dtype);  // logsumexp stays
  return results;
}

Tensors attention_grad_composed(const op::AttentionGrad& op, std::span<const Tensor> inputs) {
  const auto count = static_cast<size_t>(op.call.inputs()), results = static_cast<size_t>(op.call.outputs());
  Tensors call(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(count)), variables;
  const std::vector<size_t> places = differentiable_inputs(op.call);
  for (size_t place : places) variables.push_back(call[place]);
  VjpResult forward = vjp(
      [&](const Tensors& values) {
        for (size_t i = 0; i < places.size(); ++i) call[places[i]] = values[i];
        return attention_composed(op.call, call);
      },
      variables);
  std::span<const Tensor> cotangents = inputs.subspan(count + results, results);
  Tensors gradients = forward.pullback(Tensors(cotangents.begin(), cotangents.end())), wanted;
  size_t next = 0;
  for (int gradient = 0; gradient < op::AttentionGrad::gradients; ++gradient) {
    const bool exists = gradient < op::AttentionGrad::bias ||
                        (gradient == op::AttentionGrad::bias ? op.call.has_bias : op.call.has_null);
    if (!exists) continue;
    if (op.wants(gradient)) wanted.push_back(gradients[next]);
    ++next;
  }
  return wanted;
}

}  // namespace weft
