#include <weft/backends/cuda/cudnn/conv_graph.hpp>

namespace weft::cuda {

using cudnn::Graph;
namespace fe = cudnn_frontend;

namespace {

std::shared_ptr<fe::graph::Tensor_attributes> input(Graph& graph, ConvUid uid, const CudnnTensor& tensor) {
  return graph.tensor(fe::graph::Tensor_attributes().set_uid(uid).set_dim(tensor.extents).set_stride(tensor.strides));
}

template <class Attributes> Attributes attributes_of(const CudnnConv& conv) {
  return Attributes()
      .set_pre_padding(conv.low)
      .set_post_padding(conv.high)
      .set_stride(conv.strides)
      .set_dilation(conv.dilations);
}

}  // namespace

std::shared_ptr<Graph> conv_graph(const CudnnConv& conv, ConvPass pass, DType dtype) {
  auto graph = cudnn::new_graph(dtype);
  auto output = [](std::shared_ptr<fe::graph::Tensor_attributes> result, ConvUid uid, const CudnnTensor& tensor) {
    result->set_output(true).set_uid(uid).set_dim(tensor.extents).set_stride(tensor.strides);
  };
  switch (pass) {
    case ConvPass::forward:
      output(graph->conv_fprop(input(*graph, conv_x, conv.x), input(*graph, conv_filter, conv.filter),
                               attributes_of<fe::graph::Conv_fprop_attributes>(conv)),
             conv_y, conv.y);
      break;
    case ConvPass::input_gradient:
      output(graph->conv_dgrad(input(*graph, conv_y, conv.y), input(*graph, conv_filter, conv.filter),
                               attributes_of<fe::graph::Conv_dgrad_attributes>(conv)),
             conv_x, conv.x);
      break;
    case ConvPass::kernel_gradient:
      output(graph->conv_wgrad(input(*graph, conv_y, conv.y), input(*graph, conv_x, conv.x),
                               attributes_of<fe::graph::Conv_wgrad_attributes>(conv)),
             conv_filter, conv.filter);
      break;
  }
  return graph;
}

}  // namespace weft::cuda
