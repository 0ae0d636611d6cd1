#include <weft/autograd/ops/gather.hpp>

#include <cstring>

#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/index_math.hpp>
#include <weft/backends/cuda/move.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/core/axis_lines.hpp>

namespace weft::cuda {
namespace {

/// A result of [outer, count] rows of `width` units, each the row of x [outer, extent, width] at its index.
template <class U> struct TakeRows {
  const U* x;
  Indices indices;
  U* result;
  U fill;
  int64_t n, count, extent, width;
  OutOfRange mode;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      const Divided at = divided(i, width), row = divided(at.whole, count);
      const int64_t place = resolve_index(indices[row.rest], extent, mode);
      result[i] = place < 0 ? fill : x[(row.whole * extent + place) * width + at.rest];
    }
  }
};

void take_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Take>();
  const Tensor& x = call.inputs[0];
  Tensor& out = call.outputs[0];
  const AxisLines lines(x.shape(), op.axis);
  const int64_t row_bytes = lines.inner * size_of(x.dtype());
  const Pattern fill = pattern_of(op.fill_value, x.dtype());
  const int unit = common_unit(row_bytes, x.raw(), out.raw());
  visit_unit(unit, [&]<class U>(std::type_identity<U>) {
    U fill_unit;
    std::memcpy(&fill_unit, fill.bytes, sizeof(U));
    const int64_t n = out.bytes() / unit;
    launch(TakeRows<U>{static_cast<const U*>(x.raw()), indices_of(call.inputs[1]), static_cast<U*>(out.mutable_raw()),
                       fill_unit, n, call.inputs[1].elements(), lines.n, row_bytes / unit, op.mode},
           blocks_for(n), usual_threads);
  });
}

/// A result of [outer, count, inner], each element from x [outer, extent, inner] at its own index.
template <class U> struct TakeElements {
  const U* x;
  Indices indices;
  U* result;
  int64_t n, count, extent, inner;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      const Divided at = divided(i, inner);
      const int64_t outer = divided(at.whole, count).whole;
      const int64_t place = resolve_index(indices[i], extent, OutOfRange::error);
      result[i] = place < 0 ? U(0) : x[(outer * extent + place) * inner + at.rest];
    }
  }
};

void take_along_axis_kernel(const KernelCall& call) {
  const int axis = call.op<op::TakeAlongAxis>().axis;
  const Tensor &x = call.inputs[0], &indices = call.inputs[1];
  const AxisLines lines(x.shape(), axis);
  visit_size(x.dtype(), [&]<class U>(std::type_identity<U>) {
    const int64_t n = indices.elements();
    launch(TakeElements<U>{x.raw_as<U>(), indices_of(indices), call.outputs[0].mutable_raw_as<U>(), n,
                           indices.shape()[axis], lines.n, lines.inner},
           blocks_for(n), usual_threads);
  });
}

}  // namespace

void register_cuda_gather(KernelTable& table) {
  table.add<op::Take>(take_kernel, all_types);
  table.add<op::TakeAlongAxis>(take_along_axis_kernel, all_types);
}

}  // namespace weft::cuda
