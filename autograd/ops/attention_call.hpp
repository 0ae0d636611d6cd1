#pragma once

#include <span>

#include <weft/autograd/ops/attention.hpp>
#include <weft/core/key_words.hpp>
#include <weft/core/small_vector.hpp>

namespace weft {

/// The inputs of op::Attention (and of its gradient, whose inputs start in the same way) by name; undefined where there
/// is none.
struct AttentionInputs {
  Tensor query, key, value, mask, bias, query_lengths, key_lengths, null_key, null_value, dropout_key;

  AttentionInputs(const op::Attention& op, std::span<const Tensor> inputs)
      : query(inputs[0]), key(inputs[1]), value(inputs[2]) {
    size_t next = 3;
    if (op.has_mask) mask = inputs[next++];
    if (op.has_bias) bias = inputs[next++];
    if (op.has_query_lengths) query_lengths = inputs[next++];
    if (op.has_key_lengths) key_lengths = inputs[next++];
    if (op.has_null) {
      null_key = inputs[next++];
      null_value = inputs[next++];
    }
    if (op.has_dropout) dropout_key = inputs[next++];
  }
};

using ReadableInputs = SmallVector<Tensor, 24>;

/// The inputs as kernels read them: rows of features without gaps, whatever the strides of the other axes, and small
/// inputs row-major. The grids of mask and bias stay as they are.
inline ReadableInputs readable_inputs(const op::Attention& op, std::span<const Tensor> inputs) {
  ReadableInputs result(inputs.begin(), inputs.end());
  const size_t grids = 3 + static_cast<size_t>(op.has_mask + op.has_bias);
  for (size_t i = 0; i < result.size(); ++i) {
    Tensor& x = result[i];
    const bool is_rows = i < 3, is_grid = i >= 3 && i < grids;
    if (is_grid || (is_rows && (x.shape().back() <= 1 || x.strides().back() == 1))) continue;
    x = x.contiguous();
  }
  return result;
}

// The raw-memory form of attention's inputs and outputs, for kernels in host memory. The last axis of query, key and
// value must be contiguous; other strides may be any.

namespace detail {

/// A [B, length, heads, features] tensor as rows; `Pointer` is `const T*` or `T*`.
template <class Pointer> HeadRows<Pointer> head_rows(const Tensor& tensor) {
  const Strides& s = tensor.strides();
  return {static_cast<Pointer>(const_cast<void*>(tensor.raw())), s[0], s[1], s[2]};
}

/// A [B or 1, heads or 1, Lq or 1, Lk or 1] tensor as a grid; axes of extent 1 get stride 0.
template <class Pointer> HeadGrid<Pointer> head_grid(const Tensor& tensor) {
  Strides s = tensor.strides();
  for (int axis = 0; axis < 4; ++axis)
    if (tensor.shape()[axis] == 1) s[axis] = 0;
  return {static_cast<Pointer>(const_cast<void*>(tensor.raw())), s[0], s[1], s[2], s[3]};
}

}  // namespace detail

/// `outputs` are out, logsumexp and, with `op.with_weights`, weights.
template <class T>
AttentionArgs<T> attention_call(const op::Attention& op, std::span<const Tensor> inputs,
                                std::span<const Tensor> outputs) {
  const AttentionInputs in(op, inputs);
  AttentionArgs<T> a;
  a.batch = in.query.shape()[0];
  a.query_length = in.query.shape()[1];
  a.key_length = in.key.shape()[1];
  a.heads = in.query.shape()[2];
  a.kv_heads = in.key.shape()[2];
  a.head_dim = in.query.shape()[3];
  a.value_dim = in.value.shape()[3];
  a.query = detail::head_rows<const T*>(in.query);
  a.key = detail::head_rows<const T*>(in.key);
  a.value = detail::head_rows<const T*>(in.value);
  a.out = detail::head_rows<T*>(outputs[0]);
  if (op.has_mask) a.mask = detail::head_grid<const uint8_t*>(in.mask);
  if (op.has_bias) a.bias = detail::head_grid<const T*>(in.bias);
  if (op.has_query_lengths) a.query_lengths = in.query_lengths.raw_as<int32_t>();
  if (op.has_key_lengths) a.key_lengths = in.key_lengths.raw_as<int32_t>();
  if (op.has_null) {
    a.null_key = in.null_key.raw_as<T>();
    a.null_value = in.null_value.raw_as<T>();
  }
  a.causal = op.causal;
  a.window_left = op.window_left;
  a.window_right = op.window_right;
  a.scale = op.scale;
  a.soft_cap = op.soft_cap;
  a.fully_masked = op.fully_masked;
  if (op.has_dropout) {
    a.dropout_rate = op.dropout_rate;
    a.dropout_broadcast = op.dropout_broadcast;
    a.dropout_key = key_from_words(in.dropout_key.raw_as<int32_t>());
  }
  a.logsumexp = const_cast<T*>(outputs[1].raw_as<T>());
  if (op.with_weights) a.weights = const_cast<T*>(outputs[2].raw_as<T>());
  return a;
}

/// `inputs` and `outputs` as op::AttentionGrad has them.
template <class T>
AttentionGradArgs<T> attention_grad_call(const op::AttentionGrad& op, std::span<const Tensor> inputs,
                                         std::span<const Tensor> outputs) {
  const auto first_result = static_cast<size_t>(op.call.inputs()), results = static_cast<size_t>(op.call.outputs());
  AttentionGradArgs<T> g;
  g.call = attention_call<T>(op.call, inputs, inputs.subspan(first_result, results));
  std::span<const Tensor> cotangents = inputs.subspan(first_result + results, results);
  g.d_out = detail::head_rows<const T*>(cotangents[0]);
  g.d_logsumexp = cotangents[1].raw_as<T>();
  if (op.call.with_weights) g.d_weights = cotangents[2].raw_as<T>();
  size_t next = 0;
  if (op.wants(op.query)) g.d_query = detail::head_rows<T*>(outputs[next++]);
  if (op.wants(op.key)) g.d_key = detail::head_rows<T*>(outputs[next++]);
  if (op.wants(op.value)) g.d_value = detail::head_rows<T*>(outputs[next++]);
  if (op.wants(op.bias)) g.d_bias = detail::head_grid<T*>(outputs[next++]);
  if (op.wants(op.null_key)) g.d_null_key = const_cast<T*>(outputs[next++].raw_as<T>());
  if (op.wants(op.null_value)) g.d_null_value = const_cast<T*>(outputs[next++].raw_as<T>());
  return g;
}

}  // namespace weft
