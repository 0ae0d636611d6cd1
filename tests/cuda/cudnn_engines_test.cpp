// Whether cuDNN has engines for what it is told of convolutions. It answers for a GPU that is only described to it, so
// the library alone is needed; without it nothing is tested.

#ifdef WEFT_TESTS_WITH_CUDNN

#include <catch2/catch.hpp>

#include <string_view>

#include <weft/autograd/primitive.hpp>
#include <weft/backends/cuda/cudnn/conv_graph.hpp>
#include <weft/backends/cuda/cudnn/library.hpp>
#include <weft/backends/cuda/libraries.hpp>

using namespace weft;
using namespace weft::cuda;

namespace {

namespace fe = cudnn_frontend;

constexpr std::string_view h100 = R"({"deviceVer":900,"driverVer":13000,"multiProcessorCount":132,"cudaDeviceId":0,
"deviceName":"NVIDIA H100 80GB HBM3","maxSharedMemoryPerBlockOptin":232448,"totalGlobalMem":85000000000,
"maxGridSize":[2147483647,65535,65535],"maxBlockSize":[1024,1024,64],"regsPerBlock":65536,"smClockRateKHz":1980000,
"memClockRateKHz":2619000,"l2CacheSize":52428800,"warpSize":32,"maxSharedMemoryPerBlock":49152,
"reservedSharedMemoryPerBlock":1024,"maxRegistersPerSM":65536,"pciDeviceId":0,"maxCtasPerSM":32,
"maxThreadsPerBlock":1024,"maxThreadsPerSM":2048,"isTccDriver":0,"supportCoopLaunch":1})";

/// Null where the library cannot do without a GPU.
std::shared_ptr<fe::DeviceProperties> described_gpu() {
  auto properties = std::make_shared<fe::DeviceProperties>();
  return properties->deserialize({h100.begin(), h100.end()}).is_good() ? properties : nullptr;
}

struct Case {
  const char* what;
  Shape x, kernel;
  ConvGeometry geometry;
};

std::vector<Case> cases() {
  return {{"line", {2, 11, 3}, {3, 3, 5}, {{2}, {1}, {1}, {1}, {1}, 1}},
          {"causal line", {8, 1000, 64}, {5, 64, 64}, {{1}, {4}, {0}, {1}, {1}, 1}},
          {"odd image", {2, 7, 5, 3}, {3, 2, 3, 5}, {{1, 2}, {1, 0}, {0, 1}, {1, 1}, {1, 1}, 1}},
          {"dilated", {1, 11, 13, 2}, {3, 2, 2, 3}, {{2, 1}, {2, 3}, {1, 0}, {1, 1}, {3, 4}, 1}},
          {"groups", {2, 5, 7, 6}, {3, 3, 2, 9}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 3}},
          {"depthwise", {8, 56, 56, 64}, {3, 3, 1, 64}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 64}},
          {"same, stride 2", {8, 56, 56, 64}, {3, 3, 64, 128}, {{2, 2}, {0, 0}, {1, 1}, {1, 1}, {1, 1}, 1}},
          {"one pixel", {8, 56, 56, 64}, {1, 1, 64, 256}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, {1, 1}, 1}},
          {"patches", {2, 224, 224, 3}, {16, 16, 3, 768}, {{16, 16}, {0, 0}, {0, 0}, {1, 1}, {1, 1}, 1}},
          {"transposed", {8, 16, 16, 128}, {4, 4, 128, 64}, {{1, 1}, {2, 2}, {2, 2}, {2, 2}, {1, 1}, 1}},
          {"transposed line", {2, 5, 3}, {4, 3, 5}, {{1}, {2}, {3}, {2}, {1}, 1}},
          {"volume", {1, 5, 3, 7, 2}, {2, 3, 2, 2, 3}, {{1, 1, 2}, {0, 1, 1}, {1, 1, 0}, {1, 1, 1}, {2, 1, 1}, 1}}};
}

/// The engine chosen; empty where there is none.
std::string engine_for(const CudnnConv& conv, ConvPass pass, DType dtype,
                       const std::shared_ptr<fe::DeviceProperties>& gpu) {
  auto graph = conv_graph(conv, pass, dtype);
  graph->set_sm_version(90).set_device_properties(gpu);
  if (graph->validate().is_bad() || graph->build_operation_graph().is_bad() || !cudnn::choose_engine(*graph, dtype))
    return "";
  std::string name;
  return graph->get_plan_name(name).is_good() ? name : "";
}

}  // namespace

TEST_CASE("cuDNN has engines for convolutions", "[cuda]") {
  if (!cudnn::open()) {
    WARN(cuda_libraries());
    return;
  }
  const auto gpu = described_gpu();
  if (!gpu) {
    WARN("this cuDNN plans for no GPU but its own");
    return;
  }
  for (const Case& c : cases()) {
    Tensor x = Tensor::empty(c.x, DType::float32), kernel = Tensor::empty(c.kernel, DType::float32);
    const auto conv = plan_cudnn_conv(c.geometry, x, kernel, apply(op::Conv{c.geometry}, {x, kernel}));
    REQUIRE(conv);
    for (DType dtype : {DType::float32, DType::float64, DType::bfloat16, DType::float16})
      for (ConvPass pass : {ConvPass::forward, ConvPass::input_gradient, ConvPass::kernel_gradient}) {
        INFO(c.what << ", " << name_of(dtype) << ", pass " << static_cast<int>(pass));
        CHECK(engine_for(*conv, pass, dtype, gpu) != "");
      }
  }
}

#endif
