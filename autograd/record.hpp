#pragma once

#include <weft/autograd/tape.hpp>

namespace weft {

/// Puts one run of a primitive onto the tape and returns its outputs as this node's.
Tensors record_primitive(const Primitive& primitive, const void* op, std::span<const Tensor> inputs, Tensors outputs);

}  // namespace weft
