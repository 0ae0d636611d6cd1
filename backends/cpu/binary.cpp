#include <weft/autograd/ops/elementwise_list.hpp>
#include <weft/backends/cpu/elementwise_maps.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

using namespace cpu;

template <class F> void comparison_kernel(const KernelCall& call) {
  switch (call.inputs[0].dtype()) {
    case DType::int32: return plain_map<int32_t, bool, 2>(call, F{});
    case DType::int64: return plain_map<int64_t, bool, 2>(call, F{});
    case DType::boolean: return plain_map<bool, bool, 2>(call, F{});
    default: return vector_map(call, isa_kernels().binary.get<BinaryTestLoops<F>>(), F{});
  }
}

template <class F> void logic_kernel(const KernelCall& call) { plain_map<bool, bool, 2>(call, F{}); }

}  // namespace

void register_cpu_binary(KernelTable& table) {
  using namespace elementwise_list;
  BinaryNumbers::each([&]<class Op, class F, class Whole>(Computes<Op, F, Whole>) {
    table.add<Op>(number_map<F, Whole, 2>, wide_numbers, true);
  });
  BinaryFloats::each([&]<class Op, class F>(Computes<Op, F>) { table.add<Op>(float_map<F, 2>, wide_floats, true); });
  Comparisons::each([&]<class Op, class F>(Computes<Op, F>) { table.add<Op>(comparison_kernel<F>, wide_types, true); });
  BinaryLogic::each(
      [&]<class Op, class F>(Computes<Op, F>) { table.add<Op>(logic_kernel<F>, {DType::boolean}, true); });
}

}  // namespace weft
