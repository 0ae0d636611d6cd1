#include <weft/autograd/ops/create.hpp>

#include <weft/backends/reference/places.hpp>
#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

void full_kernel(const KernelCall& call) {
  Tensor& out = call.outputs[0];
  visit(out.dtype(), [&]<class T>(std::type_identity<T>) {
    for (int64_t i = 0; i < out.elements(); ++i)
      out.mutable_raw_as<T>()[i] = reference::element_from<T>(call.op<op::Full>().value);
  });
}

void arange_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Arange>();
  Tensor& out = call.outputs[0];
  visit(out.dtype(), [&]<class T>(std::type_identity<T>) {
    for (int64_t i = 0; i < op.count; ++i)
      out.mutable_raw_as<T>()[i] = reference::element_from<T>(op.start + static_cast<double>(i) * op.step);
  });
}

}  // namespace

void register_reference_create(KernelTable& table) {
  table.add<op::Full>(full_kernel, all_types);
  table.add<op::Arange>(arange_kernel, all_types);
}

}  // namespace weft
