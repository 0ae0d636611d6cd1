#include <weft/autograd/ops/select.hpp>

#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/table.hpp>

namespace weft::cuda {
namespace {

template <class T> struct Selection {
  const bool* condition;
  const T *x, *y;
  T* result;
  int64_t n;
  Walk<3> walk;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      Walk<3>::Places places = walk.places(i);
      result[i] = condition[places.at[0]] ? x[places.at[1]] : y[places.at[2]];
    }
  }
};

void select_kernel(const KernelCall& call) {
  Tensor& result = call.outputs[0];
  std::array<Strides, 3> strides;
  for (size_t i = 0; i < 3; ++i) strides[i] = broadcast_strides(call.inputs[i], result.shape());
  visit_size(result.dtype(), [&]<class T>(std::type_identity<T>) {
    launch(Selection<T>{call.inputs[0].raw_as<bool>(), call.inputs[1].raw_as<T>(), call.inputs[2].raw_as<T>(),
                        result.mutable_raw_as<T>(), result.elements(), make_walk<3>(result.shape(), strides)},
           blocks_for(result.elements()), usual_threads);
  });
}

}  // namespace

void register_cuda_select(KernelTable& table) { table.add<op::Select>(select_kernel, all_types, true); }

}  // namespace weft::cuda
