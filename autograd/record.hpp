#pragma once

#include <weft/autograd/tape.hpp>

namespace weft {

/// Puts one run of a primitive onto the tape and makes its outputs this node's.
void record_primitive(const Primitive& primitive, const void* op, std::span<const Tensor> inputs,
                      std::span<Tensor> outputs);

}  // namespace weft
