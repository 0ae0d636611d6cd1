#include <weft/autograd/ops/create.hpp>

#include <weft/backends/cpu/move.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

void full_kernel(const KernelCall& call) { cpu::fill_parallel(call.outputs[0], call.op<op::Full>().value); }

void arange_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Arange>();
  visit(op.dtype, [&]<class T>(std::type_identity<T>) {
    T* out = call.outputs[0].mutable_raw_as<T>();
    for (int64_t i = 0; i < op.count; ++i) out[i] = cpu::element_from<T>(op.start + static_cast<double>(i) * op.step);
  });
}

}  // namespace

void register_cpu_create(KernelTable& table) {
  table.add<op::Full>(full_kernel, all_types);
  table.add<op::Arange>(arange_kernel, all_types);
}

}  // namespace weft
