#include <weft/autograd/ops/elementwise_list.hpp>
#include <weft/backends/cpu/elementwise_maps.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

using namespace cpu;

template <class F> void test_kernel(const KernelCall& call) {
  vector_map(call, isa_kernels().unary.get<UnaryTestLoops<F>>(), F{});
}

void integer_pow_kernel(const KernelCall& call) {
  const int power = call.op<op::IntegerPow>().power;
  if (integer_map<1>(call, functors::integer::IntegerPow{power})) return;
  vector_map(call, isa_kernels().unary.get<UnaryLoops<functors::IntegerPow>>(), functors::IntegerPow{power});
}

void logical_not_kernel(const KernelCall& call) { plain_map<bool, bool, 1>(call, functors::LogicalNot{}); }

}  // namespace

void register_cpu_unary(KernelTable& table) {
  using namespace elementwise_list;
  UnaryNumbers::each([&]<class Op, class F, class Whole>(Computes<Op, F, Whole>) {
    table.add<Op>(number_map<F, Whole, 1>, wide_numbers, true);
  });
  UnaryFloats::each([&]<class Op, class F>(Computes<Op, F>) { table.add<Op>(float_map<F, 1>, wide_floats, true); });
  UnaryTests::each([&]<class Op, class F>(Computes<Op, F>) { table.add<Op>(test_kernel<F>, wide_floats, true); });
  table.add<op::IntegerPow>(integer_pow_kernel, wide_numbers, true);
  table.add<op::LogicalNot>(logical_not_kernel, {DType::boolean}, true);
}

}  // namespace weft
