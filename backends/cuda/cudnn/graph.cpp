#include <weft/backends/cuda/cudnn/graph.hpp>

#include <exception>

#include <cuda_runtime_api.h>

#include <weft/backends/cuda/cudnn/library.hpp>
#include <weft/backends/cuda/precision.hpp>
#include <weft/backends/cuda/workspace.hpp>

namespace weft::cuda::cudnn {
namespace {

/// What an engine may not do: add in an order that varies, sum half types in half types, or lose more digits than the
/// plain sum of products does.
std::vector<fe::NumericalNote_t> refused(bool wide) {
  std::vector<fe::NumericalNote_t> notes{
      fe::NumericalNote_t::NONDETERMINISTIC, fe::NumericalNote_t::REDUCED_PRECISION_REDUCTION, fe::NumericalNote_t::FFT,
      fe::NumericalNote_t::WINOGRAD_TILE_6x6, fe::NumericalNote_t::WINOGRAD_TILE_13x13};
  if (wide && !tf32_allowed()) {
    notes.push_back(fe::NumericalNote_t::TENSOR_CORE);
    notes.push_back(fe::NumericalNote_t::DOWN_CONVERT_INPUTS);
  }
  return notes;
}

}  // namespace

int capability(Device device) {
  int major = 0, minor = 0;
  if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device.index()) != cudaSuccess ||
      cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device.index()) != cudaSuccess)
    return 0;
  return 10 * major + minor;
}

fe::DataType_t data_type(DType dtype) {
  switch (dtype) {
    case DType::float32: return fe::DataType_t::FLOAT;
    case DType::float64: return fe::DataType_t::DOUBLE;
    case DType::bfloat16: return fe::DataType_t::BFLOAT16;
    case DType::float16: return fe::DataType_t::HALF;
    case DType::int32: return fe::DataType_t::INT32;
    case DType::int64: return fe::DataType_t::INT64;
    case DType::boolean: return fe::DataType_t::BOOLEAN;
  }
  return fe::DataType_t::NOT_SET;
}

std::shared_ptr<Graph> new_graph(DType dtype) {
  const fe::DataType_t computed = is_half(dtype) ? fe::DataType_t::FLOAT : data_type(dtype);
  auto graph = std::make_shared<Graph>();
  // Each operation takes these over as it is added.
  graph->set_io_data_type(data_type(dtype)).set_intermediate_data_type(computed).set_compute_data_type(computed);
  return graph;
}

bool choose_engine(Graph& graph, DType dtype) {
  constexpr int64_t most_workspace = int64_t{1} << 30;
  if (graph.create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK}).is_bad()) return false;
  graph.deselect_numeric_notes(refused(dtype == DType::float32));
  graph.deselect_workspace_greater_than(most_workspace);
  return graph.check_support().is_good() && graph.build_plans().is_good();
}

std::unique_ptr<Plan> build(std::shared_ptr<Graph> graph, DType dtype, Device device) {
  cudnnHandle_t library = handle(device);
  const int version = capability(device);
  if (!library || version == 0) return nullptr;
  graph->set_sm_version(version);  // else the headers would look for another copy of CUDA's runtime to ask
  try {
    if (graph->validate().is_bad() || graph->build_operation_graph(library).is_bad() || !choose_engine(*graph, dtype))
      return nullptr;
  } catch (const std::exception&) {  // a symbol that an older library lacks
    return nullptr;
  }
  auto plan = std::make_unique<Plan>();
  plan->workspace_bytes = graph->get_workspace_size();
  plan->graph = std::move(graph);
  return plan;
}

bool run(const Plan& plan, std::unordered_map<int64_t, void*> tensors, Device device) {
  cudnnHandle_t library = handle(device);
  if (!library) return false;
  Workspace<unsigned char> workspace(device, plan.workspace_bytes);
  void* memory = plan.workspace_bytes > 0 ? workspace.data() : nullptr;
  try {
    return plan.graph->execute(library, tensors, memory).is_good();
  } catch (const std::exception&) { return false; }
}

}  // namespace weft::cuda::cudnn
