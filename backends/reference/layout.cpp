#include <weft/autograd/ops/layout.hpp>

#include <weft/backends/reference/places.hpp>
#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

// The dispatcher makes views for these; the kernels copy, so that the views have something to be compared with.

/// Fills the output, place by place, from the input's place `from(index)`.
template <class F> void copy_places(const KernelCall& call, F&& from) {
  const Tensor& x = call.inputs[0];
  Tensor& out = call.outputs[0];
  visit(x.dtype(), [&]<class T>(std::type_identity<T>) {
    reference::for_each_place(out.shape(), [&](int64_t flat, const Shape& index) {
      out.mutable_raw_as<T>()[flat] = x.raw_as<T>()[reference::flat_place(from(index), x.shape())];
    });
  });
}

void reshape_kernel(const KernelCall& call) {
  const Tensor& x = call.inputs[0];
  visit(x.dtype(), [&]<class T>(std::type_identity<T>) {
    for (int64_t i = 0; i < x.elements(); ++i) call.outputs[0].mutable_raw_as<T>()[i] = x.raw_as<T>()[i];
  });
}

void transpose_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Transpose>();
  copy_places(call, [&](const Shape& index) {
    Shape from = index;
    for (int i = 0; i < index.rank(); ++i) from[static_cast<int>(op.axes[i])] = index[i];
    return from;
  });
}

void broadcast_to_kernel(const KernelCall& call) {
  const Shape& shape = call.inputs[0].shape();
  copy_places(call, [&](const Shape& index) {
    Shape from = index.slice(index.rank() - shape.rank(), index.rank());
    for (int i = 0; i < shape.rank(); ++i)
      if (shape[i] == 1) from[i] = 0;
    return from;
  });
}

}  // namespace

void register_reference_layout(KernelTable& table) {
  table.add<op::Reshape>(reshape_kernel, all_types);
  table.add<op::Transpose>(transpose_kernel, all_types);
  table.add<op::BroadcastTo>(broadcast_to_kernel, all_types);
}

}  // namespace weft
