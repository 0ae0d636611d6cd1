#include <weft/autograd/ops/triangle.hpp>

#include <weft/backends/reference/places.hpp>
#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

void triangle_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Triangle>();
  const Tensor& x = call.inputs[0];
  visit(x.dtype(), [&]<class T>(std::type_identity<T>) {
    reference::for_each_place(x.shape(), [&](int64_t flat, const Shape& index) {
      const int64_t diagonal = index[index.rank() - 1] - index[index.rank() - 2];
      const bool kept = op.upper ? diagonal >= op.k : diagonal <= op.k;
      call.outputs[0].mutable_raw_as<T>()[flat] = kept ? x.raw_as<T>()[flat] : reference::element_from<T>(0);
    });
  });
}

}  // namespace

void register_reference_triangle(KernelTable& table) { table.add<op::Triangle>(triangle_kernel, all_types); }

}  // namespace weft
