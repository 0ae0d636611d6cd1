#include <weft/autograd/ops/slice.hpp>

#include <weft/backends/reference/places.hpp>
#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

template <class Op> int64_t sliced_place(const Op& op, const Shape& index, const Shape& shape) {
  Shape from = index;
  for (int i = 0; i < index.rank(); ++i) from[i] = op.starts[i] + index[i] * op.steps[i];
  return reference::flat_place(from, shape);
}

void slice_kernel(const KernelCall& call) {
  const Tensor& x = call.inputs[0];
  Tensor& out = call.outputs[0];
  visit(x.dtype(), [&]<class T>(std::type_identity<T>) {
    reference::for_each_place(out.shape(), [&](int64_t flat, const Shape& index) {
      out.mutable_raw_as<T>()[flat] = x.raw_as<T>()[sliced_place(call.op<op::Slice>(), index, x.shape())];
    });
  });
}

void slice_update_kernel(const KernelCall& call) {
  const Tensor &x = call.inputs[0], &updates = call.inputs[1];
  Tensor& out = call.outputs[0];
  visit(x.dtype(), [&]<class T>(std::type_identity<T>) {
    for (int64_t i = 0; i < x.elements(); ++i) out.mutable_raw_as<T>()[i] = x.raw_as<T>()[i];
    reference::for_each_place(updates.shape(), [&](int64_t flat, const Shape& index) {
      out.mutable_raw_as<T>()[sliced_place(call.op<op::SliceUpdate>(), index, x.shape())] = updates.raw_as<T>()[flat];
    });
  });
}

}  // namespace

void register_reference_slice(KernelTable& table) {
  table.add<op::Slice>(slice_kernel, all_types);
  table.add<op::SliceUpdate>(slice_update_kernel, all_types);
}

}  // namespace weft
