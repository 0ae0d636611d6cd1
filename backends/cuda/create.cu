#include <weft/autograd/ops/create.hpp>

#include <weft/backends/cuda/launch.hpp>
#include <weft/backends/cuda/move.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/core/convert.hpp>

namespace weft::cuda {
namespace {

void full_kernel(const KernelCall& call) { fill_elements(call.outputs[0], call.op<op::Full>().value); }

template <class T> struct Progression {
  double start, step;
  T* result;
  int64_t n;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size())
      result[i] = convert<T>(start + static_cast<double>(i) * step);
  }
};

void arange_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Arange>();
  visit(op.dtype, [&]<class T>(std::type_identity<T>) {
    launch(Progression<T>{op.start, op.step, call.outputs[0].mutable_raw_as<T>(), op.count}, blocks_for(op.count),
           usual_threads);
  });
}

}  // namespace

void register_cuda_create(KernelTable& table) {
  table.add<op::Full>(full_kernel, all_types);
  table.add<op::Arange>(arange_kernel, all_types);
}

}  // namespace weft::cuda
