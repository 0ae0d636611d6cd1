#include <weft/autograd/ops/elementwise_list.hpp>
#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/table.hpp>

namespace weft::cuda {
namespace {

template <class F> void test_kernel(const KernelCall& call) {
  visit_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) { map<T, bool, 1>(call, F{}); });
}

void integer_pow_kernel(const KernelCall& call) {
  const int power = call.op<op::IntegerPow>().power;
  if (is_integer(call.inputs[0].dtype())) {
    const functors::integer::IntegerPow whole{power};
    visit_integer(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) { map<T, T, 1>(call, whole); });
  } else {
    const functors::IntegerPow f{power};
    visit_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) { map<T, T, 1>(call, f); });
  }
}

}  // namespace

void register_cuda_unary(KernelTable& table) {
  using namespace elementwise_list;
  UnaryNumbers::each([&]<class Op, class F, class Whole>(Computes<Op, F, Whole>) {
    table.add<Op>(number_map<F, Whole, 1>, all_numbers, true);
  });
  UnaryFloats::each([&]<class Op, class F>(Computes<Op, F>) { table.add<Op>(float_map<F, 1>, all_floats, true); });
  UnaryTests::each([&]<class Op, class F>(Computes<Op, F>) { table.add<Op>(test_kernel<F>, all_floats, true); });
  table.add<op::IntegerPow>(integer_pow_kernel, all_numbers, true);
  table.add<op::LogicalNot>(bool_map<functors::LogicalNot, 1>, {DType::boolean}, true);
}

}  // namespace weft::cuda
