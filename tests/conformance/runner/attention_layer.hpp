#pragma once

#include <weft/layers/attention.hpp>

#include "config.hpp"

namespace weft::conformance {

/// The layer that nnx.MultiHeadAttention builds from these arguments; a query that may attend to nothing attends to all
/// keys equally, as in Flax.
MultiHeadAttentionOptions attention_options(const Config& config);

}  // namespace weft::conformance
