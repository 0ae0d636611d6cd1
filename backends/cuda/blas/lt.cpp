#include <weft/backends/cuda/blas/lt.hpp>

#include <map>
#include <memory>
#include <mutex>

#include <cublasLt.h>

#include <weft/backends/cuda/libraries.hpp>
#include <weft/backends/cuda/stream.hpp>

namespace weft::cuda {
namespace {

/// The entry points that are used, under their own names.
struct Library {
#define WEFT_LT(name) \
  decltype(&cublasLt##name) name = find<decltype(&cublasLt##name)>(cublas_lt_library(), "cublasLt" #name)
  WEFT_LT(Create);
  WEFT_LT(Matmul);
  WEFT_LT(MatmulAlgoGetHeuristic);
  WEFT_LT(MatmulDescCreate);
  WEFT_LT(MatmulDescDestroy);
  WEFT_LT(MatmulDescSetAttribute);
  WEFT_LT(MatrixLayoutCreate);
  WEFT_LT(MatrixLayoutDestroy);
  WEFT_LT(MatrixLayoutSetAttribute);
  WEFT_LT(MatmulPreferenceCreate);
  WEFT_LT(MatmulPreferenceDestroy);
  WEFT_LT(MatmulPreferenceSetAttribute);
#undef WEFT_LT

  bool complete() const {
    return Create && Matmul && MatmulAlgoGetHeuristic && MatmulDescCreate && MatmulDescDestroy &&
           MatmulDescSetAttribute && MatrixLayoutCreate && MatrixLayoutDestroy && MatrixLayoutSetAttribute &&
           MatmulPreferenceCreate && MatmulPreferenceDestroy && MatmulPreferenceSetAttribute;
  }
};

const Library& lt() {
  static const Library library;
  return library;
}

/// An object of the library. Whatever is refused on the way leaves it not ok.
template <class Handle> class Owned {
 public:
  template <class Create, class... Args>
  explicit Owned(cublasStatus_t (*destroy)(Handle), Create create, Args... args) : destroy_(destroy) {
    ok_ = create(&handle_, args...) == CUBLAS_STATUS_SUCCESS;
  }
  ~Owned() {
    if (handle_) destroy_(handle_);
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;

  template <class Set, class Attribute, class Value> void set(Set set, Attribute attribute, const Value& value) {
    ok_ = ok_ && set(handle_, attribute, &value, sizeof(value)) == CUBLAS_STATUS_SUCCESS;
  }
  Handle get() const { return handle_; }
  bool ok() const { return ok_; }

 private:
  Handle handle_ = nullptr;
  cublasStatus_t (*destroy_)(Handle);
  bool ok_ = false;
};

using Layout = Owned<cublasLtMatrixLayout_t>;
using Description = Owned<cublasLtMatmulDesc_t>;

cudaDataType_t data_type(DType dtype) {
  switch (dtype) {
    case DType::float64: return CUDA_R_64F;
    case DType::bfloat16: return CUDA_R_16BF;
    case DType::float16: return CUDA_R_16F;
    default: return CUDA_R_32F;
  }
}

cublasComputeType_t compute_type(const LtKey& key) {
  if (key.dtype == DType::float64) return CUBLAS_COMPUTE_64F;
  return key.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

/// Of the factors, the sums and both scales.
cudaDataType_t scale_type(const LtKey& key) { return key.dtype == DType::float64 ? CUDA_R_64F : CUDA_R_32F; }

cublasLtEpilogue_t epilogue(const LtKey& key) {
  switch (key.function) {
    case LtFunction::none: return key.adds_bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
    case LtFunction::relu: return key.adds_bias ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_RELU;
    case LtFunction::gelu: break;
  }
  if (key.keeps_input) return key.adds_bias ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS : CUBLASLT_EPILOGUE_GELU_AUX;
  return key.adds_bias ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU;
}

/// What is worth keeping of a key: its layouts and the algorithm chosen.
struct Choice {
  Layout a, b, d;
  cublasLtMatmulAlgo_t algorithm = {};
  size_t workspace = 0;
  bool found = false;

  explicit Choice(const LtKey& key)
      : a(lt().MatrixLayoutDestroy, lt().MatrixLayoutCreate, data_type(key.dtype), key.a.rows, key.a.columns,
          key.a.leading),
        b(lt().MatrixLayoutDestroy, lt().MatrixLayoutCreate, data_type(key.dtype), key.b.rows, key.b.columns,
          key.b.leading),
        d(lt().MatrixLayoutDestroy, lt().MatrixLayoutCreate, data_type(key.dtype), key.d.rows, key.d.columns,
          key.d.leading) {
    set_batch(a, key.batches, key.a.batch_stride);
    set_batch(b, key.batches, key.b.batch_stride);
    set_batch(d, key.batches, key.d.batch_stride);
  }
  bool ok() const { return a.ok() && b.ok() && d.ok(); }

 private:
  static void set_batch(Layout& layout, int64_t batches, int64_t stride) {
    layout.set(lt().MatrixLayoutSetAttribute, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, static_cast<int32_t>(batches));
    layout.set(lt().MatrixLayoutSetAttribute, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, stride);
  }
};

const char* moved(const void* memory, int64_t bytes) { return static_cast<const char*>(memory) + bytes; }

/// Says what one call computes. The pointers count for the choice of an algorithm, too.
void describe(Description& description, const LtPlan& plan, const LtCall& call) {
  const LtKey& key = plan.key;
  auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
    description.set(lt().MatmulDescSetAttribute, attribute, value);
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, key.a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(CUBLASLT_MATMUL_DESC_TRANSB, key.b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue(key));
  if (key.adds_bias) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, plan.bias);
  if (key.keeps_input) {
    set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, static_cast<const void*>(moved(plan.kept, call.d)));
    set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, key.d.leading);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_BATCH_STRIDE, key.d.batch_stride);
  }
}

/// Asks for algorithms that give the same bits each time and add in the compute type.
void choose(Choice& choice, cublasLtHandle_t handle, const Description& description, const LtKey& key) {
  Owned<cublasLtMatmulPreference_t> preference(lt().MatmulPreferenceDestroy, lt().MatmulPreferenceCreate);
  auto set = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
    preference.set(lt().MatmulPreferenceSetAttribute, attribute, value);
  };
  set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, lt_workspace_bytes);
  set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, static_cast<uint32_t>(key.a.alignment));
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, static_cast<uint32_t>(key.b.alignment));
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
      static_cast<uint32_t>(key.adds_c ? key.c_alignment : key.d.alignment));
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, static_cast<uint32_t>(key.d.alignment));
  if (!preference.ok()) return;
  cublasLtMatmulHeuristicResult_t result = {};
  int count = 0;
  const auto status = lt().MatmulAlgoGetHeuristic(handle, description.get(), choice.a.get(), choice.b.get(),
                                                  choice.d.get(), choice.d.get(), preference.get(), 1, &result, &count);
  if (status != CUBLAS_STATUS_SUCCESS || count == 0 || result.state != CUBLAS_STATUS_SUCCESS) return;
  choice.algorithm = result.algo;
  choice.workspace = result.workspaceSize;
  choice.found = true;
}

/// What all threads share: a handle per device, the choices made.
struct State {
  std::mutex mutex;
  std::map<int, cublasLtHandle_t> handles;
  std::map<LtKey, std::shared_ptr<const Choice>> choices;
};

/// Never destroyed: at a program's end the driver may be gone before it.
State& state() {
  static State& all = *new State;
  return all;
}

/// The current device's; null where the library refuses.
cublasLtHandle_t handle_of(State& all, int device) {
  auto [place, is_new] = all.handles.try_emplace(device, nullptr);
  if (is_new && lt().Create(&place->second) != CUBLAS_STATUS_SUCCESS) place->second = nullptr;
  return place->second;
}

}  // namespace

bool has_lt() { return libraries_allowed() && lt().complete(); }

bool run_lt(const LtPlan& plan) {
  if (!has_lt()) return false;
  const LtKey& key = plan.key;
  Description description(lt().MatmulDescDestroy, lt().MatmulDescCreate, compute_type(key), scale_type(key));
  describe(description, plan, plan.calls.front());
  if (!description.ok()) return false;

  State& all = state();
  cublasLtHandle_t handle = nullptr;
  std::shared_ptr<const Choice> choice;
  {
    const std::lock_guard lock(all.mutex);
    handle = handle_of(all, key.device);
    if (!handle) return false;
    constexpr size_t most_choices = 4096;  // programs of ever new shapes begin anew
    if (all.choices.size() >= most_choices) all.choices.clear();
    std::shared_ptr<const Choice>& known = all.choices[key];
    if (!known) {
      auto made = std::make_shared<Choice>(key);
      if (made->ok()) choose(*made, handle, description, key);
      known = std::move(made);
    }
    choice = known;
  }
  if (!choice->found) return false;

  const Tensor workspace =
      Tensor::empty({static_cast<int64_t>(choice->workspace + sizeof(int64_t) - 1) / 8}, DType::int64, plan.device);
  const double wide[] = {1, 0};
  const float narrow[] = {1, 0};
  const bool is_wide = scale_type(key) == CUDA_R_64F;
  const void* one = is_wide ? static_cast<const void*>(&wide[0]) : &narrow[0];
  const void* zero = is_wide ? static_cast<const void*>(&wide[1]) : &narrow[1];
  for (const LtCall& call : plan.calls) {
    describe(description, plan, call);
    char* d = static_cast<char*>(plan.d) + call.d;
    const auto status = lt().Matmul(
        handle, description.get(), one, moved(plan.a, call.a), choice->a.get(), moved(plan.b, call.b), choice->b.get(),
        key.adds_c ? one : zero, key.adds_c ? moved(plan.c, call.d) : d, choice->d.get(), d, choice->d.get(),
        &choice->algorithm, const_cast<void*>(workspace.raw()), choice->workspace, current_stream());
    // Nothing reads what the calls before may have written: an own kernel writes all of it.
    if (!description.ok() || status != CUBLAS_STATUS_SUCCESS) return false;
  }
  return true;
}

}  // namespace weft::cuda
