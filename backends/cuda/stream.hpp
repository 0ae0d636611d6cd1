#pragma once

#include <cuda_runtime_api.h>

namespace weft::cuda {

/// The stream of this thread's current device.
cudaStream_t current_stream();
/// Checks that the last launch was taken; `what` is named otherwise. Kernels never throw, so this ends the process: a
/// launch that is refused is a defect of the kernel.
void note_launch(const char* what);

}  // namespace weft::cuda
