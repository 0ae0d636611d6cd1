#pragma once

#include <string_view>

#include <weft/autograd/ops/window.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

/// The geometry of a pool with one to three space axes; every Shape holds one number for each of them.
struct PoolGeometry {
  Shape window, strides, low, high;
  bool operator==(const PoolGeometry&) const = default;
};

namespace op {

/// x [N, space..., features] -> the largest (smallest) element of each window [N, positions..., features], and where in
/// x's flattened space it stands (int32; -1 for a window of padding alone): the first of equal ones, or the first NaN.
struct ExtremePool {
  static constexpr std::string_view name = "extreme_pool";
  PoolGeometry geometry;
  bool minimum = false;
  bool operator==(const ExtremePool&) const = default;
};

/// Adds values [N, positions..., features] into zeros [N, space..., features] at the places that ExtremePool found,
/// each within its window.
struct PoolScatter {
  static constexpr std::string_view name = "pool_scatter";
  PoolGeometry geometry;
  Shape space;
  bool operator==(const PoolScatter&) const = default;
};

/// Picks from x [N, space..., features] what stands at the places that ExtremePool found; 0 at -1.
struct PoolGather {
  static constexpr std::string_view name = "pool_gather";
  PoolGeometry geometry;
  bool operator==(const PoolGather&) const = default;
};

/// x [N, space..., features] -> the sum of each window [N, positions..., features].
struct SumPool {
  static constexpr std::string_view name = "sum_pool";
  PoolGeometry geometry;
  bool operator==(const SumPool&) const = default;
};

/// The gradient of SumPool: adds each of [N, positions..., features] to its whole window, in [N, space..., features].
struct SumPoolGrad {
  static constexpr std::string_view name = "sum_pool_grad";
  PoolGeometry geometry;
  Shape space;
  bool operator==(const SumPoolGrad&) const = default;
};

}  // namespace op

// x [batch..., space..., features], as many space axes (one to three) as `window` has numbers, any number of batch axes
// -> [batch..., positions..., features]. Empty strides mean 1. `circular`, `reflect` and `causal` padding: ValueError.

/// Largest element of each window; padding never wins. The gradient goes to the first of equal ones, in row-major
/// order.
Tensor max_pool(const Tensor& x, const Shape& window, const Shape& strides = {}, const Padding& padding = {});
/// Smallest element of each window.
Tensor min_pool(const Tensor& x, const Shape& window, const Shape& strides = {}, const Padding& padding = {});
/// Mean of each window; padding counts as zeros, or not at all without `count_include_pad`.
Tensor avg_pool(const Tensor& x, const Shape& window, const Shape& strides = {}, const Padding& padding = {},
                bool count_include_pad = true);

/// Defines the primitives of this file.
void define_pool();

}  // namespace weft
