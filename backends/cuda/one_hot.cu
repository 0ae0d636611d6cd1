#include <weft/autograd/ops/one_hot.hpp>

#include <cstring>

#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/index_math.hpp>
#include <weft/backends/cuda/move.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/core/axis_lines.hpp>

namespace weft::cuda {
namespace {

template <class T> struct OneHot {
  Indices indices;
  T* result;
  T one;
  int64_t n, classes, inner;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      const Divided at = divided(i, inner), row = divided(at.whole, classes);
      result[i] = indices[row.whole * inner + at.rest] == row.rest ? one : T(0);
    }
  }
};

void one_hot_kernel(const KernelCall& call) {
  const auto& op = call.op<op::OneHot>();
  const Tensor& indices = call.inputs[0];
  Tensor& out = call.outputs[0];
  const AxisLines lines(out.shape(), op.axis);
  const Pattern ones = pattern_of(1, out.dtype());
  visit_size(out.dtype(), [&]<class T>(std::type_identity<T>) {
    T one;
    std::memcpy(&one, ones.bytes, sizeof one);
    launch(OneHot<T>{indices_of(indices), out.mutable_raw_as<T>(), one, out.elements(), op.classes, lines.inner},
           blocks_for(out.elements()), usual_threads);
  });
}

}  // namespace

void register_cuda_one_hot(KernelTable& table) { table.add<op::OneHot>(one_hot_kernel, all_types); }

}  // namespace weft::cuda
