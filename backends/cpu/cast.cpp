#include <weft/autograd/ops/cast.hpp>

#include <algorithm>
#include <cstring>

#include <weft/backends/cpu/elementwise.hpp>
#include <weft/backends/cpu/move.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/convert.hpp>

namespace weft {
namespace {

/// `run` over contiguous pieces; false when there is none.
template <class From, class To> bool fast_cast(const KernelCall& call, void (*run)(const From* x, To* y, int64_t n)) {
  if (!run) return false;
  cpu::map_pieces<1>(call, [run](const void* const* x, const int64_t* steps, void* y, int64_t n) {
    const From* from = static_cast<const From*>(x[0]);
    To* to = static_cast<To*>(y);
    if (steps[0] == 1) return run(from, to, n);
    run(from, to, 1);
    std::fill_n(to + 1, n - 1, *to);
  });
  return true;
}

/// Between float32 and half types.
bool cast_halves(const KernelCall& call) {
  const DType from = call.inputs[0].dtype(), to = call.outputs[0].dtype();
  const cpu::MoveKernels& move = cpu::isa_kernels().move;
  if (from == DType::float32 && to == DType::float16) return fast_cast(call, move.to_float16);
  if (from == DType::float16 && to == DType::float32) return fast_cast(call, move.from_float16);
  if (from == DType::float32 && to == DType::bfloat16) return fast_cast(call, move.to_bfloat16);
  if (from == DType::bfloat16 && to == DType::float32) return fast_cast(call, move.from_bfloat16);
  return false;
}

void cast_kernel(const KernelCall& call) {
  if (cast_halves(call)) return;
  visit(call.inputs[0].dtype(), [&]<class From>(std::type_identity<From>) {
    visit(call.outputs[0].dtype(), [&]<class To>(std::type_identity<To>) {
      cpu::plain_map<From, To, 1>(call, [](From x) { return convert<To>(x); });
    });
  });
}

void copy_kernel(const KernelCall& call) {
  if (!call.tile && !call.inputs[0].is_contiguous()) return cpu::copy_parallel(call.inputs[0], call.outputs[0]);
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
