#pragma once

#include "helpers.hpp"

namespace weft::testing {

/// A layer in float64 with sizes that are all different primes, as far as the heads allow.
inline MultiHeadAttentionOptions prime_sizes() {
  MultiHeadAttentionOptions options;
  options.query_features = 11;
  options.key_features = 13;
  options.value_features = 17;
  options.out_features = 19;
  options.num_heads = 6;
  options.num_key_value_heads = 2;
  options.head_dim = 5;
  options.value_head_dim = 7;
  options.param_dtype = DType::float64;
  options.bias_init = initializers::normal(0.1);
  return options;
}

struct Streams {
  Tensor query = wavy({2, 3, 11}, 0, DType::float64), key = wavy({2, 5, 13}, 1, DType::float64),
         value = wavy({2, 5, 17}, 2, DType::float64);
};

/// The layer's formula from plain ops, every array written out. `allowed` broadcasts to [batch, heads, Lq, Lkv].
inline AttentionOutput plain_attention(const MultiHeadAttention& layer, const Tensor& query, const Tensor& key,
                                       const Tensor& value, const Tensor& allowed = {}) {
  auto project = [](const LinearGeneral& projection, const Tensor& x) {
    Tensor y = einsum("btf,fhd->bthd", x, projection.kernel.get());
    return projection.bias ? y + projection.bias : y;
  };
  int64_t group = layer.num_heads / layer.num_key_value_heads;
  Tensor q = project(layer.query, query), k = project(layer.key, key), v = project(layer.value, value);
  if (layer.query_ln) q = layer_norm(q, layer.query_ln->scale);
  if (layer.key_ln) k = layer_norm(k, layer.key_ln->scale);
  k = repeat(k, group, 2);
  v = repeat(v, group, 2);
  Tensor logits = einsum("bqhd,bkhd->bhqk", q, k) / std::sqrt(static_cast<double>(q.size(-1)));
  if (allowed.defined()) logits = where(allowed, logits, -1e300);
  Tensor weights = softmax(logits, -1);
  Tensor out = einsum("bqhv,hvo->bqo", einsum("bhqk,bkhv->bqhv", weights, v), layer.out.kernel.get());
  return {layer.out.bias ? out + layer.out.bias : out, weights};
}

}  // namespace weft::testing
