#pragma once

// NVIDIA's C++ headers over cuDNN's graphs. Their calls go through cudnn_frontend::cudnn_dlhandle, which open()
// sets (library.hpp): it comes before anything else of theirs.

#ifndef NV_CUDNN_FRONTEND_USE_DYNAMIC_LOADING
#define NV_CUDNN_FRONTEND_USE_DYNAMIC_LOADING
#endif
#ifndef CUDNN_FRONTEND_SKIP_JSON_LIB
#define CUDNN_FRONTEND_SKIP_JSON_LIB
#endif

#if defined(__GNUC__) && !defined(__clang__)  // GCC 12 sees overflows in them that are not there
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#endif
#include <cudnn_frontend.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace weft::cuda::cudnn {
namespace fe = cudnn_frontend;
}
