#include <weft/autograd/ops/reduce.hpp>

#include <weft/backends/cuda/reduce_lines.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/core/axis_lines.hpp>

namespace weft::cuda {
namespace {

template <class Fold, class T> void reduce(const KernelCall& call, const ReduceStages& stages) {
  Tensor& y = call.outputs[0];
  reduce_stages_by<Fold>(call.inputs[0].raw_as<T>(), y.mutable_raw_as<typename Fold::Result>(), stages, y.device());
}

template <class F> void visit_number(DType dtype, F&& f) {
  if (is_integer(dtype)) visit_integer(dtype, f);
  else visit_float(dtype, f);
}

template <class Op, template <class> class Fold> void add_reduction(KernelTable& table) {
  table.add<Op>(
      [](const KernelCall& call) {
        const ReduceStages stages = reduce_stages(call.inputs[0].shape(), call.op<Op>().axes);
        visit_number(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) { reduce<Fold<T>, T>(call, stages); });
      },
      all_numbers);
}

template <class Op, class Fold> void boolean_kernel(const KernelCall& call) {
  reduce<Fold, bool>(call, reduce_stages(call.inputs[0].shape(), call.op<Op>().axes));
}

void logsumexp_kernel(const KernelCall& call) {
  const ReduceStages stages = reduce_stages(call.inputs[0].shape(), call.op<op::LogSumExp>().axes);
  visit_float(call.inputs[0].dtype(),
              [&]<class T>(std::type_identity<T>) { reduce<LogSumExpFold<T>, T>(call, stages); });
}

template <class Op, bool largest> void arg_kernel(const KernelCall& call) {
  const ReduceStages stages = reduce_stages(call.inputs[0].shape(), {call.op<Op>().axis});
  visit_number(call.inputs[0].dtype(),
               [&]<class T>(std::type_identity<T>) { reduce<ArgFold<T, largest>, T>(call, stages); });
}

}  // namespace

void register_cuda_reduce(KernelTable& table) {
  add_reduction<op::Sum, SumFold>(table);
  add_reduction<op::Prod, ProdFold>(table);
  add_reduction<op::Max, MaxFold>(table);
  add_reduction<op::Min, MinFold>(table);
  table.add<op::Any>(boolean_kernel<op::Any, AnyFold>, {DType::boolean});
  table.add<op::All>(boolean_kernel<op::All, AllFold>, {DType::boolean});
  table.add<op::LogSumExp>(logsumexp_kernel, all_floats);
  table.add<op::ArgMax>(arg_kernel<op::ArgMax, true>, all_numbers);
  table.add<op::ArgMin>(arg_kernel<op::ArgMin, false>, all_numbers);
}

}  // namespace weft::cuda
