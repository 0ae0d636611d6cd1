#pragma once

#include <weft/layers/conv.hpp>

#include "config.hpp"

namespace weft::conformance {

/// nnx's argument: a rule by its name, one number for all sides, or [low, high] for each axis.
Padding padding_of(const Config& padding);

/// The layer that nnx.Conv builds from these arguments, without a kernel mask.
ConvOptions convolution_options(const Config& config);

}  // namespace weft::conformance
