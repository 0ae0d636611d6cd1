#include <weft/autograd/ops/join.hpp>

#include <weft/backends/reference/places.hpp>
#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

void concatenate_kernel(const KernelCall& call) {
  const int axis = call.op<op::Concatenate>().axis;
  Tensor& out = call.outputs[0];
  visit(out.dtype(), [&]<class T>(std::type_identity<T>) {
    int64_t start = 0;
    for (const Tensor& input : call.inputs) {
      reference::for_each_place(input.shape(), [&](int64_t flat, const Shape& index) {
        Shape to = index;
        to[axis] += start;
        out.mutable_raw_as<T>()[reference::flat_place(to, out.shape())] = input.raw_as<T>()[flat];
      });
      start += input.shape()[axis];
    }
  });
}

}  // namespace

void register_reference_join(KernelTable& table) { table.add<op::Concatenate>(concatenate_kernel, all_types); }

}  // namespace weft
