#include <weft/autograd/ops/cast.hpp>

#include <cstring>

#include <weft/backends/cpu/elementwise.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/convert.hpp>

namespace weft {
namespace {

void cast_kernel(const KernelCall& call) {
  visit(call.inputs[0].dtype(), [&]<class From>(std::type_identity<From>) {
    visit(call.outputs[0].dtype(), [&]<class To>(std::type_identity<To>) {
      cpu::plain_map<From, To, 1>(call, [](From x) { return convert<To>(x); });
    });
  });
}

void copy_kernel(const KernelCall& call) {
  const int64_t item = size_of(call.outputs[0].dtype());
  cpu::map_pieces<1>(call, [item](const void* const* x, const int64_t* steps, void* y, int64_t n) {
    if (steps[0] == 1) {
      std::memcpy(y, x[0], static_cast<size_t>(n * item));
    } else {
      for (int64_t i = 0; i < n; ++i) std::memcpy(static_cast<char*>(y) + i * item, x[0], static_cast<size_t>(item));
    }
  });
}

}  // namespace

void register_cpu_cast(KernelTable& table) {
  table.add<op::Cast>(cast_kernel, all_types, true);
  table.add<op::Copy>(copy_kernel, all_types, true);
}

}  // namespace weft
