#pragma once

#include <optional>

#include <weft/layers/compute_dtype.hpp>
#include <weft/layers/module.hpp>
#include <weft/layers/rngs.hpp>

namespace weft {

struct LinearOptions {
  int64_t in_features = inferred;
  int64_t out_features = inferred;  ///< has to be given
  bool use_bias = true;
  std::optional<DType> dtype = std::nullopt;  ///< computed in; see compute_dtype()
  DType param_dtype = DType::float32;
  Initializer kernel_init = initializers::lecun_normal();
  Initializer bias_init = initializers::zeros();
};

/// x [batch..., in] . kernel [in, out] + bias [out] -> [batch..., out].
struct Linear {
  Param kernel;  ///< [in, out]
  Param bias;    ///< [out]; empty without one
  int64_t in_features, out_features;
  std::optional<DType> dtype;
  WEFT_MODULE(Linear, kernel, bias, in_features, out_features, dtype)

  /// Throws ValueError for sizes below 1.
  Linear(const LinearOptions& options, Rngs& rngs);
  /// Throws ShapeError for other features.
  Tensor operator()(const Tensor& x) const;
};

struct LinearGeneralOptions {
  Shape in_features = {};   ///< extents of the contracted axes; inferred when empty
  Shape out_features = {};  ///< has to be given
  Shape axis = {-1};        ///< of x, contracted in this order
  Shape batch_axis = {};    ///< of x, each with a kernel of its own: 0, 1, ... in this order
  Shape batch_sizes = {};   ///< extents of the batch axes; inferred when empty
  bool use_bias = true;
  std::optional<DType> dtype = std::nullopt;
  DType param_dtype = DType::float32;
  Initializer kernel_init = initializers::lecun_normal();
  Initializer bias_init = initializers::zeros();
};

/// Contracts the axes `axis` of x with the leading axes of a kernel [batch..., in..., out...]. The axes of the result
/// are x's other axes in their order, then out...; bias [batch..., out...]. Initializers see the kernel as a matrix
/// [batch * in, out], so that fans are those of the contraction.
struct LinearGeneral {
  Param kernel;  ///< [batch..., in..., out...]
  Param bias;    ///< [batch..., out...]; empty without one
  Shape in_features, out_features, axis, batch_axis, batch_sizes;
  std::optional<DType> dtype;
  WEFT_MODULE(LinearGeneral, kernel, bias, in_features, out_features, axis, batch_axis, batch_sizes, dtype)

  /// Throws ValueError when in_features and axis differ in number, or batch_axis is not 0, 1, ....
  LinearGeneral(const LinearGeneralOptions& options, Rngs& rngs);
  /// Throws ShapeError for axes that are not there or have other extents.
  Tensor operator()(const Tensor& x) const;
  /// Gives the parameters their shapes, where they have none, as inputs with these features would.
  void resolve(const Shape& in, const Shape& out, const Shape& batch = {}) const;
};

}  // namespace weft
