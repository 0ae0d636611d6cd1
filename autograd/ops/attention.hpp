#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <weft/core/attention_args.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

namespace op {

/// Scaled dot-product attention (core/attention_args.hpp has the formula). Inputs, those with a flag only if it is set:
///   query [B, Lq, heads, D], key [B, Lk, kv_heads, D], value [B, Lk, kv_heads, Dv],
///   mask boolean and bias, both [B or 1, heads or 1, Lq or 1, Lk or 1], query_lengths and key_lengths int32 [B],
///   null_key [kv_heads, D] and null_value [kv_heads, Dv], dropout key int32[4] (autograd/ops/random.hpp).
/// Outputs: out [B, Lq, heads, Dv], logsumexp [B, Lq, heads] (float32 for half types) and, `with_weights`, weights [B,
/// heads, Lq, columns].
struct Attention {
  static constexpr std::string_view name = "attention";
  double scale = 1, soft_cap = 0, dropout_rate = 0;
  int64_t window_left = -1, window_right = -1;
  Causal causal = Causal::none;
  FullyMasked fully_masked = FullyMasked::zero;
  bool dropout_broadcast = false;
  bool has_mask = false, has_bias = false, has_query_lengths = false, has_key_lengths = false, has_null = false,
       has_dropout = false;
  bool with_weights = false;
  bool operator==(const Attention&) const = default;

  int inputs() const {
    return 3 + has_mask + has_bias + has_query_lengths + has_key_lengths + 2 * has_null + has_dropout;
  }
  int outputs() const { return 2 + with_weights; }
};

/// Its gradient. Inputs: those of the call, its outputs, then a cotangent for each output. Outputs: of the gradients of
/// query, key, value, bias, null_key and null_value (in this order) those whose bit in `wanted` is set.
struct AttentionGrad {
  static constexpr std::string_view name = "attention_grad";
  Attention call;
  uint32_t wanted = 0;
  bool operator==(const AttentionGrad&) const = default;

  static constexpr int query = 0, key = 1, value = 2, bias = 3, null_key = 4, null_value = 5, gradients = 6;
  bool wants(int gradient) const { return wanted >> gradient & 1; }
};

}  // namespace op

/// Everything beyond query, key and value. Tensors left undefined are not there.
struct AttentionOptions {
  /// Boolean (or a number: not zero), true where the query may attend; broadcast to [batch..., heads, Lq, Lk], aligned
  /// right.
  Tensor mask = {};
  /// Added to the logits, broadcast like the mask; has a gradient; -inf masks.
  Tensor bias = {};
  Tensor query_lengths = {};  ///< int32 [batch...]; results past the length are 0
  Tensor key_lengths = {};    ///< int32 [batch...]; keys past the length are masked
  /// One more key [kv_heads, D] and value [kv_heads, Dv], seen by every query whatever the masks: the last column of
  /// the weights. Both or none.
  Tensor null_key = {}, null_value = {};
  Causal causal = Causal::none;
  /// The query at p sees keys p - window_left .. p + window_right; -1: no bound on that side.
  int64_t window_left = -1, window_right = -1;
  std::optional<double> scale = std::nullopt;  ///< of the logits; 1 / sqrt(D) when not given
  double soft_cap = 0;                         ///< logits become cap * tanh(logits / cap); 0: they do not
  FullyMasked fully_masked = FullyMasked::zero;
  double dropout_rate = 0;  ///< of the weights, after the softmax
  RandomKey dropout_key = {};
  bool dropout_broadcast = true;  ///< one dropout mask [Lq, columns] for all batch entries and heads
};

/// query [batch..., Lq, heads, D], key [batch..., Lk, kv_heads, D], value [batch..., Lk, kv_heads, Dv] ->
/// [batch..., Lq, heads, Dv]. Query head h uses key and value head h / (heads / kv_heads); batch axes of key and value
/// broadcast to the query's. A query that may attend to nothing gets 0 and gives exact zero gradients (unless
/// options.fully_masked says otherwise); NaN in a masked key or value does not leak. The masks are never materialised.
/// Throws ShapeError, DTypeError, ValueError.
Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionOptions& options = {});

struct AttentionResult {
  Tensor out;  ///< [batch..., Lq, heads, Dv]
  /// [batch..., heads, Lq, columns], after the softmax and before dropout; columns = Lk, + 1 with a null slot.
  Tensor weights;
  /// [batch..., Lq, heads], of the masked logits, float32 for half types; -inf where a query attends to nothing.
  Tensor logsumexp;
};
/// The same with the weights and the logits' logsumexp; all three have gradients.
AttentionResult attention_with_weights(const Tensor& query, const Tensor& key, const Tensor& value,
                                       const AttentionOptions& options = {});

/// query_valid [batch..., Lq], key_valid [batch..., Lk] -> boolean [batch..., 1, Lq, Lk], true where both are true (not
/// 0).
Tensor make_attention_mask(const Tensor& query_valid, const Tensor& key_valid);
/// Boolean [Lq, Lk], true where the causal rule lets query i see key j.
Tensor make_causal_mask(int64_t query_length, int64_t key_length, Causal causal = Causal::top_left);
/// The logical and of the masks, broadcast; undefined ones are left out; undefined when there are none.
Tensor combine_masks(const std::vector<Tensor>& masks);

/// Defines the primitives of this file.
void define_attention();

}  // namespace weft
