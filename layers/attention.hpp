#pragma once

#include <optional>

#include <weft/autograd/ops/attention.hpp>
#include <weft/layers/linear.hpp>
#include <weft/layers/norm.hpp>

namespace weft {

inline constexpr int64_t same_as_query = -1, same_as_heads = -1, query_features_over_heads = -1, same_as_head_dim = -1;

/// Sizes that are `inferred` come from the data at initialize() or at the first call.
struct MultiHeadAttentionOptions {
  int64_t query_features = inferred, key_features = inferred, value_features = inferred;  ///< input widths, independent
  int64_t out_features = same_as_query;
  int64_t num_heads = 1, num_key_value_heads = same_as_heads;  ///< grouped-query: heads % kv heads == 0
  int64_t head_dim = query_features_over_heads, value_head_dim = same_as_head_dim;
  bool use_bias = true, normalize_qk = false, null_slot = false, broadcast_dropout = true;
  float dropout_rate = 0;  ///< of the attention weights
  FullyMasked fully_masked = FullyMasked::zero;
  Causal causal = Causal::none;
  int64_t window_left = -1, window_right = -1;  ///< keys seen before and after a query's own place; -1: all
  std::optional<double> scale = std::nullopt;   ///< of the logits; 1 / sqrt(head_dim) when not given
  double soft_cap = 0;                          ///< logits become cap * tanh(logits / cap); 0: they do not
  bool deterministic = false;                   ///< no dropout; train() and eval() switch
  bool sow_weights = false;                     ///< sow the weights as `attention_weights` when somebody captures
  std::optional<DType> dtype = std::nullopt;    ///< computed in; see compute_dtype()
  DType param_dtype = DType::float32;
  Initializer kernel_init = initializers::lecun_normal();
  Initializer bias_init = initializers::zeros();
  std::optional<Initializer> out_kernel_init = std::nullopt;  ///< kernel_init when not given
  std::optional<Initializer> out_bias_init = std::nullopt;    ///< bias_init when not given
  Initializer query_ln_scale_init = initializers::ones(), key_ln_scale_init = initializers::ones();
  Initializer null_init = initializers::normal(0.02);
};

/// What one call may say beyond its inputs; it beats the options.
struct AttentionCall {
  /// True (or not 0) where a query may attend to a key; broadcast to [batch..., heads, Lq, Lkv], aligned right.
  Tensor mask = {};
  /// Added to the logits, broadcast like the mask; has a gradient.
  Tensor bias = {};
  Tensor query_lengths = {};  ///< integers [batch...]; results past the length are the out bias alone
  Tensor key_lengths = {};    ///< integers [batch...]; keys past the length are masked
  std::optional<Causal> causal = std::nullopt;
  std::optional<int64_t> window_left = std::nullopt, window_right = std::nullopt;
  std::optional<bool> deterministic = std::nullopt;
  std::optional<RandomKey> dropout_key = std::nullopt;  ///< instead of the layer's own stream
  std::optional<bool> sow_weights = std::nullopt;
};

/// Keys and values after their projections, for any number of queries.
struct ProjectedKeyValue {
  Tensor key;    ///< [batch..., Lkv, kv_heads, head_dim]
  Tensor value;  ///< [batch..., Lkv, kv_heads, value_head_dim]
};

struct AttentionOutput {
  Tensor out;      ///< [batch..., Lq, out_features]
  Tensor weights;  ///< [batch..., heads, Lq, Lkv], + 1 column with a null slot; after softmax, before dropout
};

/// Multi-head attention (Vaswani et al. 2017) over inputs of different widths:
///   q = query . query.kernel + query.bias   [batch..., Lq,  heads,    head_dim]
///   k = key   . key.kernel   + key.bias     [batch..., Lkv, kv_heads, head_dim]
///   v = value . value.kernel + value.bias   [batch..., Lkv, kv_heads, value_head_dim]
///   out = attention(q, k, v) . out.kernel + out.bias   [batch..., Lq, out_features]
/// Query head h uses key and value head h / (heads / kv_heads). A query that may attend to nothing gets attention
/// result 0 (unless options.fully_masked), so the out bias. Batch axes of key and value may be fewer than the query's,
/// or have extent 1: they are then shared. Lengths and batch axes of extent 0 are valid.
struct MultiHeadAttention {
  LinearGeneral query, key, value;            ///< kernels [E, H, D], [EK, K, D], [EV, K, Dv]
  std::optional<LayerNorm> query_ln, key_ln;  ///< over head_dim, scale only; with normalize_qk
  LinearGeneral out;                          ///< kernel [H, Dv, O]
  Param null_key, null_value;                 ///< [K, D], [K, Dv]; with null_slot
  Cache cached_key, cached_value;             ///< [batch..., max_length, K, D], [..., K, Dv]; after init_cache()
  Cache cache_index;                          ///< int32 []: positions taken
  RngStream rngs;                             ///< of dropout; only where dropout_rate > 0
  int64_t num_heads, num_key_value_heads, head_dim, value_head_dim, out_features;
  int64_t window_left, window_right;
  std::optional<double> scale;
  double soft_cap;
  float dropout_rate;
  FullyMasked fully_masked;
  Causal causal;
  bool broadcast_dropout, deterministic, sow_weights;
  WEFT_MODULE(MultiHeadAttention, query, key, value, query_ln, key_ln, out, null_key, null_value, cached_key,
              cached_value, cache_index, rngs, num_heads, num_key_value_heads, head_dim, value_head_dim, out_features,
              window_left, window_right, scale, soft_cap, dropout_rate, fully_masked, causal, broadcast_dropout,
              deterministic, sow_weights)

  /// Throws ValueError when num_key_value_heads does not divide num_heads, when num_heads does not divide
  /// query_features and there is no head_dim, and for sizes and rates that make no sense.
  MultiHeadAttention(const MultiHeadAttentionOptions& options, Rngs& rngs);

  /// query [batch..., Lq, E], key [batch..., Lkv, EK], value [batch..., Lkv, EV] -> [batch..., Lq, out_features]. Key
  /// defaults to query, value to key. Throws ShapeError naming the input and the width that was expected.
  Tensor operator()(const Tensor& query_input, const AttentionCall& call = {}) const;
  Tensor operator()(const Tensor& query_input, const Tensor& key_input, const AttentionCall& call = {}) const;
  Tensor operator()(const Tensor& query_input, const Tensor& key_input, const Tensor& value_input,
                    const AttentionCall& call = {}) const;
  Tensor operator()(const Tensor& query_input, const ProjectedKeyValue& projected,
                    const AttentionCall& call = {}) const;

  /// The same with the weights. Key and value may be undefined: then they default as above.
  AttentionOutput with_weights(const Tensor& query_input, const Tensor& key_input = {}, const Tensor& value_input = {},
                               const AttentionCall& call = {}) const;
  AttentionOutput with_weights(const Tensor& query_input, const ProjectedKeyValue& projected,
                               const AttentionCall& call = {}) const;

  /// Projects keys and values once, for any number of queries. Throws StateError when head_dim is not known yet.
  ProjectedKeyValue project(const Tensor& key_input, const Tensor& value_input = {}) const;

  /// Makes room for `max_length` positions of self-attention, step by step. The parameters must have their shapes.
  void init_cache(const Shape& batch, int64_t max_length, DType dtype = DType::float32);
  /// Appends n positions, [batch..., n, E] (and their keys and values, where they are not the query), to the cache, and
  /// attends causally to all that are in it: [batch..., n, out_features]. A mask's last axis has as many keys as are in
  /// the cache afterwards, or max_length, or 1. Throws StateError, before anything is written, when there is no cache
  /// or the positions do not fit; ShapeError when the batch axes are not the cache's.
  Tensor decode(const Tensor& query_input, const AttentionCall& call = {}) const;
  Tensor decode(const Tensor& query_input, const Tensor& key_input, const Tensor& value_input,
                const AttentionCall& call = {}) const;
  /// Empties the cache.
  void reset_cache() const;

 private:
  int64_t known_head_dim(const Tensor& query_input) const;
  Tensor project_query(const Tensor& input) const;
  Tensor project_one(const LinearGeneral& layer, const char* name, const Tensor& input, int64_t features) const;
  ProjectedKeyValue project_pair(const Tensor& key_input, const Tensor& value_input, int64_t features) const;
  AttentionOutput attend(const Tensor& projected_query, const ProjectedKeyValue& projected, const AttentionCall& call,
                         bool want_weights, int64_t query_width) const;
  AttentionOutput run(const Tensor& query_input, const Tensor& key_input, const Tensor& value_input,
                      const AttentionCall& call, bool want_weights) const;
};

}  // namespace weft
