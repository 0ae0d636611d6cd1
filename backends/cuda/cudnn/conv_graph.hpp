#pragma once

#include <weft/backends/cuda/cudnn/conv_plan.hpp>
#include <weft/backends/cuda/cudnn/graph.hpp>

namespace weft::cuda {

/// The names of the three tensors, of which two are read and the third written.
enum ConvUid : int64_t { conv_x = 1, conv_filter, conv_y };

std::shared_ptr<cudnn::Graph> conv_graph(const CudnnConv& conv, ConvPass pass, DType dtype);

}  // namespace weft::cuda
