#include <weft/autograd/ops/elementwise_list.hpp>
#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/table.hpp>

namespace weft::cuda {
namespace {

template <class F> void comparison_kernel(const KernelCall& call) {
  visit(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) { map<T, bool, 2>(call, F{}); });
}

}  // namespace

void register_cuda_binary(KernelTable& table) {
  using namespace elementwise_list;
  BinaryNumbers::each([&]<class Op, class F, class Whole>(Computes<Op, F, Whole>) {
    table.add<Op>(number_map<F, Whole, 2>, all_numbers, true);
  });
  BinaryFloats::each([&]<class Op, class F>(Computes<Op, F>) { table.add<Op>(float_map<F, 2>, all_floats, true); });
  Comparisons::each([&]<class Op, class F>(Computes<Op, F>) { table.add<Op>(comparison_kernel<F>, all_types, true); });
  BinaryLogic::each([&]<class Op, class F>(Computes<Op, F>) { table.add<Op>(bool_map<F, 2>, {DType::boolean}, true); });
}

}  // namespace weft::cuda
