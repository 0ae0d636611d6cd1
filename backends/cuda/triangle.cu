#include <weft/autograd/ops/triangle.hpp>

#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/index_math.hpp>
#include <weft/backends/cuda/table.hpp>

namespace weft::cuda {
namespace {

/// The bytes of a zero are 0 for every dtype.
template <class T> struct Triangle {
  const T* x;
  T* result;
  int64_t n, rows, columns, k;
  bool upper;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      const Divided at = divided(i, columns);
      const int64_t diagonal = at.rest - divided(at.whole, rows).rest;
      const bool kept = upper ? diagonal >= k : diagonal <= k;
      result[i] = kept ? x[i] : T(0);
    }
  }
};

void triangle_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Triangle>();
  const Tensor& x = call.inputs[0];
  const Shape& shape = x.shape();
  visit_size(x.dtype(), [&]<class T>(std::type_identity<T>) {
    launch(Triangle<T>{x.raw_as<T>(), call.outputs[0].mutable_raw_as<T>(), x.elements(), shape[shape.rank() - 2],
                       shape.back(), op.k, op.upper},
           blocks_for(x.elements()), usual_threads);
  });
}

}  // namespace

void register_cuda_triangle(KernelTable& table) { table.add<op::Triangle>(triangle_kernel, all_types); }

}  // namespace weft::cuda
