#pragma once

#include <weft/layers/compute_dtype.hpp>
#include <weft/layers/variable.hpp>

namespace weft {

/// A parameter declared for a norm, when it is used; resolved when the number of features is known.
Param feature_param(bool used, const Initializer& initializer, const RandomKey& key, DType dtype, int64_t features);

/// Such a parameter for the axes `feature_axes` of x, shaped to broadcast to x; undefined when it is not used. Throws
/// ShapeError when the axes have other extents than the parameter.
Tensor for_feature_axes(const Param& parameter, const Tensor& x, const Shape& feature_axes);

/// Float32 in place of a half type: what statistics are computed in.
inline DType statistics_dtype(DType dtype) { return is_half(dtype) ? DType::float32 : dtype; }

}  // namespace weft
