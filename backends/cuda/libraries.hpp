#pragma once

#include <string>

#include <weft/backends/cuda/dynamic_library.hpp>

// The libraries that stand in front of this backend's own kernels. Each is opened when first asked for.

namespace weft::cuda {

const DynamicLibrary& cublas_lt_library();
const DynamicLibrary& cudnn_library();

/// Whether the libraries serve where they can, as they do unless it is said otherwise here or by WEFT_CUDA_LIBRARIES=0
/// in the environment. Without them all kernels are this backend's own, slower, and their bits no library's matter.
bool libraries_allowed();
void allow_libraries(bool allowed);

/// What was found, for people: "cuBLASLt 13.1.0, cuDNN not found (libcudnn.so.9: cannot open shared object file: ...)".
std::string cuda_libraries();

}  // namespace weft::cuda
