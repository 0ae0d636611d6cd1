#pragma once

#include <weft/layers/linear.hpp>
#include <weft/layers/module.hpp>
#include <weft/layers/rngs.hpp>

namespace weft {

struct FiLMOptions {
  int64_t features = inferred;            ///< of what is modulated; has to be given
  int64_t condition_features = inferred;  ///< of the condition
  std::optional<DType> dtype = std::nullopt;
  DType param_dtype = DType::float32;
  Initializer kernel_init = initializers::lecun_normal();
};

/// Feature-wise linear modulation (Perez et al. 2018): x (1 + scale) + shift, where scale and shift are linear
/// functions of a condition of its own width. At a zero kernel it is the identity.
struct FiLM {
  Linear modulate;  ///< kernel [condition features, 2 features]: scale, then shift
  WEFT_MODULE(FiLM, modulate)

  /// Throws ValueError for sizes below 1.
  FiLM(const FiLMOptions& options, Rngs& rngs);
  /// x [batch..., positions..., features], condition [batch..., condition features] -> x's shape. Throws ShapeError
  /// when the condition's batch axes are not x's first ones, or the features are others.
  Tensor operator()(const Tensor& x, const Tensor& condition) const;
};

}  // namespace weft
