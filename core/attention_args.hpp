#pragma once

#include <cstdint>

#include <weft/core/random.hpp>

namespace weft {

/// Whom a query that may attend to nothing attends to: nobody (result 0), or all keys equally, as Flax has it.
enum class FullyMasked : uint8_t { zero, uniform };

/// Query i sees key j if j <= i (top left) or j <= i + Lk - Lq (bottom right: the last query sees the last key).
enum class Causal : uint8_t { none, top_left, bottom_right };

/// A bias of -inf, or of the lowest finite number (the common substitute), masks its key; so does all at or below this.
constexpr double masking_bias = -1e30;

/// Rows [batch, length, heads, features] in memory; strides in elements, the last axis contiguous. A stride may be 0.
template <class Pointer> struct HeadRows {
  Pointer data = nullptr;
  int64_t batch = 0, length = 0, head = 0;
};

/// A [batch, heads, Lq, Lk] grid in memory; stride 0 along an axis on which the array has extent 1.
template <class Pointer> struct HeadGrid {
  Pointer data = nullptr;
  int64_t batch = 0, head = 0, query = 0, key = 0;
};

/// One call of scaled dot-product attention on raw memory, shared by the backends. T is float or double.
///
///   logits = scale * query . key;  soft_cap: logits = cap * tanh(logits / cap);  logits += bias;  masks;  softmax;
///   dropout
///
/// Query head h uses key and value head h / (heads / kv_heads). A pointer that is null means: without it.
template <class T> struct AttentionArgs {
  int64_t batch = 0, query_length = 0, key_length = 0;  // Lq, Lk
  int64_t heads = 1, kv_heads = 1;
  int64_t head_dim = 0, value_dim = 0;  // D, Dv

  HeadRows<const T*> query;       // [batch, Lq, heads, D]
  HeadRows<const T*> key, value;  // [batch, Lk, kv_heads, D] and [batch, Lk, kv_heads, Dv]
  HeadRows<T*> out;               // [batch, Lq, heads, Dv]

  HeadGrid<const uint8_t*> mask;  // not 0: the query may attend to the key
  HeadGrid<const T*> bias;        // at or below masking_bias: masked
  Causal causal = Causal::none;
  /// Keys p - left .. p + right are seen, where p = i, or i + Lk - Lq if causal is bottom_right; -1: no bound on that
  /// side.
  int64_t window_left = -1, window_right = -1;
  const int32_t* query_lengths = nullptr;  // [batch]; rows at or past the length are 0, with zero gradient
  const int32_t* key_lengths = nullptr;    // [batch]; keys at or past the length are masked

  double scale = 1;
  double soft_cap = 0;  // 0: none
  FullyMasked fully_masked = FullyMasked::zero;

  /// One more key and value, learned: column Lk of the weights, seen by every query whatever the masks. Both or none.
  const T* null_key = nullptr;    // [kv_heads, D], contiguous
  const T* null_value = nullptr;  // [kv_heads, Dv], contiguous

  /// Element (b, h, q, k) of the weights is kept by draw element ((b * heads + h) * Lq + q) * columns + k, or q *
  /// columns + k where the mask is shared by batch and heads; columns = Lk + (null slot ? 1 : 0).
  double dropout_rate = 0;
  bool dropout_broadcast = false;
  RandomKey dropout_key;

  /// [batch, Lq, heads], contiguous; -inf where a query attends to nothing (also under FullyMasked::uniform) or is past
  /// its length. The gradient needs it.
  T* logsumexp = nullptr;
  T* weights = nullptr;  // [batch, heads, Lq, columns], contiguous; after softmax, before dropout

  int64_t columns() const { return key_length + (null_key ? 1 : 0); }
};

/// The gradient of one call. `call` is the forward call with its results `out` and `logsumexp` (and `weights`, if
/// d_weights is given). Cotangents that are null are zero; gradients that are null are not computed. Gradients are
/// overwritten.
template <class T> struct AttentionGradArgs {
  AttentionArgs<T> call;

  HeadRows<const T*> d_out;        // [batch, Lq, heads, Dv]; required
  const T* d_weights = nullptr;    // [batch, heads, Lq, columns], contiguous
  const T* d_logsumexp = nullptr;  // [batch, Lq, heads], contiguous

  HeadRows<T*> d_query, d_key, d_value;  // shapes of query, key, value; strides must not overlap
  /// Of the bias's own shape, contiguous; extents of axes of length 1 have stride 0, as in call.bias.
  HeadGrid<T*> d_bias;
  T* d_null_key = nullptr;    // [kv_heads, D], contiguous
  T* d_null_value = nullptr;  // [kv_heads, Dv], contiguous
};

}  // namespace weft
