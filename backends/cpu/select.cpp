#include <weft/autograd/ops/select.hpp>

#include <weft/backends/cpu/elementwise.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

void select_kernel(const KernelCall& call) {
  switch (size_of(call.outputs[0].dtype())) {
    case 1: return cpu::select_map<uint8_t>(call);
    case 2: return cpu::select_map<uint16_t>(call);
    case 4: return cpu::select_map<uint32_t>(call);
    default: return cpu::select_map<uint64_t>(call);
  }
}

}  // namespace

void register_cpu_select(KernelTable& table) { table.add<op::Select>(select_kernel, all_types, true); }

}  // namespace weft
