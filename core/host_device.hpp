#pragma once

/// Marks what both host code and CUDA kernels call; nothing where no CUDA compiler is at work.
#ifdef __CUDACC__
#define WEFT_HOST_DEVICE __host__ __device__
#else
#define WEFT_HOST_DEVICE
#endif
