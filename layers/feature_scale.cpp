#include <weft/layers/feature_scale.hpp>

#include <weft/autograd/ops/layout.hpp>
#include <weft/core/error.hpp>

namespace weft {

Param feature_param(bool used, const Initializer& initializer, const RandomKey& key, DType dtype, int64_t features) {
  if (!used) return Param();
  Param parameter(initializer, key, dtype);
  if (features != inferred) {
    check_size("num_features", features);
    parameter.resolve({features});
  }
  return parameter;
}

Tensor for_feature_axes(const Param& parameter, const Tensor& x, const Shape& feature_axes) {
  if (!parameter) return Tensor();
  Shape axes = normalize_axes(feature_axes, x.shape(), "feature_axes"), extents;
  Shape broadcast = Shape::filled(x.rank(), 1);
  for (int64_t axis : axes) {
    extents.push_back(x.shape()[static_cast<int>(axis)]);
    broadcast[static_cast<int>(axis)] = extents.back();
  }
  if (!parameter.has_shape()) {
    parameter.resolve(extents);
  } else if (!(parameter.shape() == extents)) {
    if (extents.rank() == 1 && parameter.shape().rank() == 1 && axes[0] == x.rank() - 1)
      check_features(x, parameter.shape()[0]);
    throw ShapeError("expected inputs with extents " + to_string(parameter.shape()) + " along axes " +
                     to_string(feature_axes) + ", got " + to_string(x.shape()));
  }
  bool trailing = true;
  for (int i = 0; i < axes.rank(); ++i) trailing &= axes[i] == x.rank() - axes.rank() + i;
  return trailing ? parameter.get() : reshape(parameter, broadcast);
}

}  // namespace weft
