#pragma once

#include <weft/autograd/ops/pool.hpp>
#include <weft/layers/module.hpp>

namespace weft {

struct PoolOptions {
  Shape window = {};   ///< one number for each space axis (one to three); has to be given
  Shape strides = {};  ///< empty: 1 everywhere
  Padding padding = PaddingRule::valid;
  bool count_include_pad = true;  ///< AvgPool: padding counts as zeros
};

/// Largest element of each window: x [batch..., space..., features] -> [batch..., positions..., features].
struct MaxPool {
  PoolOptions options;
  WEFT_MODULE(MaxPool, options)
  /// Throws ValueError for a window of none or more than three numbers.
  explicit MaxPool(const PoolOptions& options);
  Tensor operator()(const Tensor& x) const;
};

/// Smallest element of each window.
struct MinPool {
  PoolOptions options;
  WEFT_MODULE(MinPool, options)
  explicit MinPool(const PoolOptions& options);
  Tensor operator()(const Tensor& x) const;
};

/// Mean of each window.
struct AvgPool {
  PoolOptions options;
  WEFT_MODULE(AvgPool, options)
  explicit AvgPool(const PoolOptions& options);
  Tensor operator()(const Tensor& x) const;
};

}  // namespace weft
