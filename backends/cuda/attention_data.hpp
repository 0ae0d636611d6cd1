#pragma once

#include <cmath>

#include <weft/autograd/ops/attention_call.hpp>
#include <weft/backends/cuda/elementwise.hpp>
#include <weft/core/key_words.hpp>

// One call of attention on raw memory of the GPU: core/attention_args.hpp with elements of half types, too, and with
// all that is the same for a whole call worked out.

namespace weft::cuda {

/// Rows [batch, length, heads, features]; `fours`: four neighbours of any row can be read at once.
template <class T> struct FeatureRows {
  HeadRows<const T*> rows;
  bool fours = false;

  WEFT_DEVICE const T* at(int64_t b, int64_t i, int h) const {
    return rows.data + b * rows.batch + i * rows.length + h * rows.head;
  }
};

template <class T> struct AttentionData {
  using C = Computed<T>;
  int64_t batch;
  int query_length, key_length, heads, kv_heads, head_dim, value_dim;
  int columns;  ///< of the weights: keys, and the null slot

  FeatureRows<T> query, key, value, out;
  HeadGrid<const uint8_t*> mask;
  HeadGrid<const T*> bias;
  /// The query at p = i + shift sees keys p - before .. p + after.
  int shift, before, after;
  const int32_t *query_lengths, *key_lengths;
  C scale, soft_cap;
  bool uniform;  ///< FullyMasked::uniform
  const T *null_key, *null_value;

  const int32_t* dropout_key;  ///< null: no dropout
  bool dropout_broadcast;
  uint32_t dropout_threshold;
  C kept_factor;  ///< 1 without dropout

  C* logsumexp;
  T* weights;  ///< null: not asked for

  int group() const { return heads / kv_heads; }
  /// Where row (b, h, q) of the logsumexp stands, and of the weights.
  WEFT_DEVICE int64_t slot(int64_t b, int h, int q) const { return (b * query_length + q) * heads + h; }
  WEFT_DEVICE int64_t weight_row(int64_t b, int h, int q) const {
    return ((b * heads + h) * query_length + q) * columns;
  }
};

template <class T> struct AttentionGradData {
  using C = Computed<T>;
  AttentionData<T> call;
  FeatureRows<T> d_out;
  const T* d_weights;  ///< null: zero
  const C* d_logsumexp;
  C* delta;                      ///< [batch, Lq, heads]: the mean of the weights' cotangents, under the weights
  T *d_query, *d_key, *d_value;  ///< contiguous; null: not asked for
  C* d_null;                     ///< [batch, kv_heads, D + Dv], each batch entry's part; null: not asked for
  /// null: compute. Else only if what it points to is not 0.
  const int32_t* gate;

  WEFT_DEVICE bool is_idle() const { return gate && *gate == 0; }
};

/// Query head h of batch entry b, and what its queries see.
template <class T> struct AttentionHead {
  const AttentionData<T>& a;
  int64_t b;
  int h, kv;
  int query_end, key_end;  ///< within the lengths

  WEFT_DEVICE AttentionHead(const AttentionData<T>& data, int64_t batch, int head)
      : a(data), b(batch), h(head), kv(head / (data.heads / data.kv_heads)) {
    query_end = within(a.query_lengths, a.query_length);
    key_end = within(a.key_lengths, a.key_length);
  }

  /// The keys that the query may see by position, [first, end).
  WEFT_DEVICE int first_key(int q) const {
    const int first = q + a.shift - a.before;
    return first > 0 ? first : 0;
  }
  WEFT_DEVICE int end_key(int q) const {
    const int end = q + a.shift + a.after + 1;
    return end < key_end ? end : key_end;
  }
  /// The queries that may see one of the keys [first, end) by position, [first_query, end_query).
  WEFT_DEVICE int first_query(int first) const {
    const int q = first - a.shift - a.after;
    return q > 0 ? q : 0;
  }
  WEFT_DEVICE int end_query(int end) const {
    const int q = end - a.shift + a.before;
    return q < query_end ? q : query_end;
  }
  WEFT_DEVICE bool sees(int q, int k) const {
    if (k < first_key(q) || k >= end_key(q)) return false;
    const HeadGrid<const uint8_t*>& m = a.mask;
    return !m.data || m.data[b * m.batch + h * m.head + q * m.query + k * m.key] != 0;
  }

  /// The logit of a pair that is seen, from its product; `slope` becomes the derivative of the capped by the plain one.
  WEFT_DEVICE Computed<T> logit(Computed<T> product, int q, int k, bool null_slot, Computed<T>& slope) const {
    using std::tanh;
    Computed<T> logit = product * a.scale;
    slope = 1;
    if (a.soft_cap > 0) {
      const Computed<T> ratio = tanh(logit / a.soft_cap);
      slope = 1 - ratio * ratio;
      logit = a.soft_cap * ratio;
    }
    return a.bias.data && !null_slot ? logit + bias(q, k) : logit;
  }
  /// A bias, -inf where it masks.
  WEFT_DEVICE Computed<T> bias(int q, int k) const {
    const auto value =
        static_cast<Computed<T>>(a.bias.data[b * a.bias.batch + h * a.bias.head + q * a.bias.query + k * a.bias.key]);
    return value <= static_cast<Computed<T>>(masking_bias) ? static_cast<Computed<T>>(-HUGE_VAL) : value;
  }
  /// Whether dropout leaves the weight; it is then times kept_factor.
  WEFT_DEVICE bool keeps(const RandomKey& key, int q, int column) const {
    const int64_t row = a.dropout_broadcast ? q : (b * a.heads + h) * a.query_length + q;
    const uint32_t bits = random_bits(key, static_cast<uint64_t>(row * a.columns + column));
    return bits >> 8 >= a.dropout_threshold;
  }

 private:
  WEFT_DEVICE int within(const int32_t* lengths, int length) const {
    if (!lengths) return length;
    const int own = lengths[b];
    return own < 0 ? 0 : own < length ? own : length;
  }
};

template <class T> FeatureRows<T> feature_rows(const Tensor& x) {
  FeatureRows<T> result{weft::detail::head_rows<const T*>(x), x.shape()[3] % 4 == 0};
  for (int axis = 0; axis < 3; ++axis) result.fours = result.fours && x.strides()[axis] % 4 == 0;
  result.fours = result.fours && reinterpret_cast<uintptr_t>(x.raw()) % sizeof(Four<T>) == 0;
  return result;
}

/// `inputs` and `outputs` as op::Attention has them; query, key, value and out with features that have no gaps, the
/// small inputs contiguous.
template <class T>
AttentionData<T> attention_data(const op::Attention& op, std::span<const Tensor> inputs,
                                std::span<const Tensor> outputs) {
  using C = Computed<T>;
  const AttentionInputs in(op, inputs);
  auto extent = [](const Tensor& x, int axis) { return static_cast<int>(x.shape()[axis]); };
  AttentionData<T> a{};
  a.batch = in.query.shape()[0];
  a.query_length = extent(in.query, 1);
  a.key_length = extent(in.key, 1);
  a.heads = extent(in.query, 2);
  a.kv_heads = extent(in.key, 2);
  a.head_dim = extent(in.query, 3);
  a.value_dim = extent(in.value, 3);
  a.columns = a.key_length + op.has_null;
  a.query = feature_rows<T>(in.query);
  a.key = feature_rows<T>(in.key);
  a.value = feature_rows<T>(in.value);
  a.out = feature_rows<T>(outputs[0]);
  if (op.has_mask) a.mask = weft::detail::head_grid<const uint8_t*>(in.mask);
  if (op.has_bias) a.bias = weft::detail::head_grid<const T*>(in.bias);
  constexpr int64_t unbounded = 1 << 29;  // far past any length, and no sum of three overflows
  auto bound = [](int64_t window) { return static_cast<int>(window < 0 || window > unbounded ? unbounded : window); };
  a.shift = op.causal == Causal::bottom_right ? a.key_length - a.query_length : 0;
  a.before = bound(op.window_left);
  a.after = op.causal == Causal::none ? bound(op.window_right) : 0;
  if (op.has_query_lengths) a.query_lengths = in.query_lengths.raw_as<int32_t>();
  if (op.has_key_lengths) a.key_lengths = in.key_lengths.raw_as<int32_t>();
  a.scale = static_cast<C>(op.scale);
  a.soft_cap = static_cast<C>(op.soft_cap);
  a.kept_factor = 1;
  a.uniform = op.fully_masked == FullyMasked::uniform && a.key_length > 0;
  if (op.has_null) {
    a.null_key = in.null_key.raw_as<T>();
    a.null_value = in.null_value.raw_as<T>();
  }
  if (op.has_dropout && op.dropout_rate > 0) {
    a.dropout_key = in.dropout_key.raw_as<int32_t>();
    a.dropout_broadcast = op.dropout_broadcast;
    a.dropout_threshold = weft::dropout_threshold(op.dropout_rate);
    a.kept_factor = static_cast<C>(1 / (1 - op.dropout_rate));
  }
  a.logsumexp = const_cast<C*>(outputs[1].raw_as<C>());
  if (op.with_weights) a.weights = const_cast<T*>(outputs[2].raw_as<T>());
  return a;
}

}  // namespace weft::cuda
