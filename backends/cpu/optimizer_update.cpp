#include <weft/autograd/ops/optimizer_update.hpp>

#include <cmath>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/multi_tensor.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

double number(const Tensor& scalar) {
  return visit_wide_float(scalar.dtype(),
                          [&]<class T>(std::type_identity<T>) { return static_cast<double>(*scalar.raw_as<T>()); });
}

/// What is the same for all parameters, in double.
struct Numbers {
  double clip = 1, debias1 = 1, debias2 = 1, rate = 1;

  explicit Numbers(const KernelCall& call) {
    const auto& op = call.op<op::OptimizerUpdate>();
    const op::Direction& d = op.direction;
    const bool adam = d.rule == op::UpdateRule::adam;
    const double t = static_cast<double>(*call.inputs[0].raw_as<int64_t>()) + 1;
    if (adam || (d.rule == op::UpdateRule::mean && d.debias)) debias1 = 1 / (1 - std::pow(d.b1, t));
    if (adam) debias2 = 1 / (1 - std::pow(d.b2, t));
    if (op.scales) rate = -number(call.inputs[static_cast<size_t>(op.rate_input())]);
    if (!op.clips) return;
    const double norm = number(call.inputs[static_cast<size_t>(op.norm_input())]);
    clip = norm < op.max_norm ? 1 : op.max_norm / norm;
  }
};

template <class T> cpu::UpdateArgs<T> args_of(const op::OptimizerUpdate& op, const Numbers& numbers, size_t place) {
  auto as = [](double value) { return static_cast<T>(value); };
  const op::Direction& d = op.direction;
  cpu::UpdateArgs<T> args;
  args.clip = as(numbers.clip);
  args.early_decay = as(op.early_decay.of(place)), args.decay = as(op.decay.of(place));
  args.b1 = as(d.b1), args.a1 = as(1 - d.b1), args.b2 = as(d.b2), args.a2 = as(1 - d.b2);
  args.eps = as(d.eps), args.eps_root = as(d.eps_root);
  args.debias1 = as(numbers.debias1), args.debias2 = as(numbers.debias2);
  args.rate = as(numbers.rate), args.momentum = as(op.momentum);
  args.nesterov = d.nesterov, args.eps_in_root = d.eps_in_root;
  args.traces = op.traces, args.trace_nesterov = op.nesterov, args.adds = op.adds;
  return args;
}

void optimizer_update(const KernelCall& call) {
  const auto& op = call.op<op::OptimizerUpdate>();
  const auto n = static_cast<size_t>(op.parameters(static_cast<int>(call.inputs.size())));
  const auto states = static_cast<size_t>(op.states());
  std::span<const Tensor> in = call.inputs.subspan(static_cast<size_t>(op.scalars()));
  std::span<Tensor> out = call.outputs;
  const Numbers numbers(call);
  const cpu::OptimizerKernels& kernels = cpu::isa_kernels().optimizer;
  cpu::MultiTensor(in.first(n)).run([&](int64_t, size_t place, int64_t begin, int64_t end) {
    visit_wide_float(in[place].dtype(), [&]<class T>(std::type_identity<T>) {
      cpu::UpdateArgs<T> args = args_of<T>(op, numbers, place);
      args.n = end - begin;
      args.p = in[place].raw_as<T>() + begin;
      args.g = in[n + place].raw_as<T>() + begin;
      args.out = out[place].mutable_raw_as<T>() + begin;
      for (size_t s = 0; s < states; ++s) {
        args.states[s] = in[(2 + s) * n + place].raw_as<T>() + begin;
        args.next[s] = out[(1 + s) * n + place].mutable_raw_as<T>() + begin;
      }
      kernels.of<T>().update(op.direction.rule, args);
    });
  });
}

}  // namespace

void register_cpu_optimizer_update(KernelTable& table) {
  table.add<op::OptimizerUpdate>(optimizer_update, wide_floats | DTypeSet{DType::int64});
}

}  // namespace weft
