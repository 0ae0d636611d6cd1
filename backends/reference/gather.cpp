#include <weft/autograd/ops/gather.hpp>

#include <weft/backends/reference/places.hpp>
#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

void take_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Take>();
  const Tensor &x = call.inputs[0], &indices = call.inputs[1];
  Tensor& out = call.outputs[0];
  const int index_rank = indices.rank();
  visit(x.dtype(), [&]<class T>(std::type_identity<T>) {
    reference::for_each_place(out.shape(), [&](int64_t flat, const Shape& index) {
      const int64_t which = reference::flat_place(index.slice(op.axis, op.axis + index_rank), indices.shape());
      Shape from = index.slice(0, op.axis);
      const int64_t place = resolve_index(reference::index_at(indices, which), x.shape()[op.axis], op.mode);
      from.push_back(place);
      for (int i = op.axis + index_rank; i < index.rank(); ++i) from.push_back(index[i]);
      out.mutable_raw_as<T>()[flat] =
          place < 0 ? reference::element_from<T>(op.fill_value) : x.raw_as<T>()[reference::flat_place(from, x.shape())];
    });
  });
}

void take_along_axis_kernel(const KernelCall& call) {
  const int axis = call.op<op::TakeAlongAxis>().axis;
  const Tensor &x = call.inputs[0], &indices = call.inputs[1];
  visit(x.dtype(), [&]<class T>(std::type_identity<T>) {
    reference::for_each_place(indices.shape(), [&](int64_t flat, const Shape& index) {
      Shape from = index;
      from[axis] = resolve_index(reference::index_at(indices, flat), x.shape()[axis], OutOfRange::error);
      call.outputs[0].mutable_raw_as<T>()[flat] =
          from[axis] < 0 ? reference::element_from<T>(0) : x.raw_as<T>()[reference::flat_place(from, x.shape())];
    });
  });
}

}  // namespace

void register_reference_gather(KernelTable& table) {
  table.add<op::Take>(take_kernel, all_types);
  table.add<op::TakeAlongAxis>(take_along_axis_kernel, all_types);
}

}  // namespace weft
