#pragma once

#include <array>

#include <weft/autograd/ops/grid_sample.hpp>  // Sampling

namespace weft {

/// Pictures [batch..., H, W, C] at another size [batch..., size[0], size[1], C], cell centres half a cell from the
/// edges, without smoothing when they shrink: jax.image.resize with antialias=False, PyTorch's interpolate with
/// align_corners=False (`nearest` being its nearest-exact). Bilinear beyond the outermost centres: the border's value.
/// Throws ShapeError for fewer than three axes, an empty picture, or a size below 1; DTypeError for
/// bilinear sampling of integers.
Tensor resize(const Tensor& pictures, std::array<int64_t, 2> size, Sampling sampling = Sampling::bilinear);

}  // namespace weft
