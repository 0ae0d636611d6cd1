#include <weft/autograd/ops/one_hot.hpp>

#include <weft/backends/reference/places.hpp>
#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

void one_hot_kernel(const KernelCall& call) {
  const auto& op = call.op<op::OneHot>();
  const Tensor& indices = call.inputs[0];
  Tensor& out = call.outputs[0];
  visit(out.dtype(), [&]<class T>(std::type_identity<T>) {
    reference::for_each_place(out.shape(), [&](int64_t flat, const Shape& index) {
      Shape rest = index;
      rest.erase(op.axis);
      const bool hot = reference::index_at(indices, reference::flat_place(rest, indices.shape())) == index[op.axis];
      out.mutable_raw_as<T>()[flat] = reference::element_from<T>(hot ? 1 : 0);
    });
  });
}

}  // namespace

void register_reference_one_hot(KernelTable& table) { table.add<op::OneHot>(one_hot_kernel, all_types); }

}  // namespace weft
