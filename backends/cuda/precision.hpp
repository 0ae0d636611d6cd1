#pragma once

namespace weft::cuda {

/// Whether products and convolutions of float32 may round their factors to TF32 (10 bits of mantissa), which tensor
/// cores multiply several times faster. Off unless allowed here or by WEFT_CUDA_TF32=1 in the environment.
bool tf32_allowed();
void allow_tf32(bool allowed);

}  // namespace weft::cuda
