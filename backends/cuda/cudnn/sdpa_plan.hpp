#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <weft/autograd/ops/attention.hpp>

namespace weft::cuda {

/// A tensor as cuDNN's attention describes it: [batch, heads, length, features], whatever the order in memory.
struct SdpaTensor {
  std::array<int64_t, 4> extents{}, strides{};
  bool operator==(const SdpaTensor&) const = default;
};

/// A call of attention in cuDNN's terms.
struct SdpaPlan {
  DType dtype = DType::float32;
  double scale = 1;
  Causal causal = Causal::none;  ///< top_left where that says the same as bottom_right
  bool has_lengths = false;      ///< cuDNN takes lengths of queries and of keys, or none
  SdpaTensor query, key, value, out;
  /// float32, without gaps: all that every version of cuDNN reads and writes. Ours is [batch, length, heads]
  /// (attention_stats.hpp).
  SdpaTensor logsumexp;

  /// What a graph depends on, besides its device and whether it is the gradient's.
  std::vector<int64_t> cache_key() const;
};

/// Why cuDNN does not serve the call; empty where it does. `inputs` as op::Attention has them.
std::string_view sdpa_refusal(const op::Attention& op, std::span<const Tensor> inputs, const Tensor& out);
/// The plan of a call that it serves.
SdpaPlan plan_sdpa(const op::Attention& op, std::span<const Tensor> inputs, const Tensor& out);

/// [B, length, heads, features] as cuDNN has it. Axes of extent 1 get the stride of rows without gaps, so that whatever
/// stands there says nothing against it.
SdpaTensor sdpa_tensor(const Tensor& x);

}  // namespace weft::cuda
