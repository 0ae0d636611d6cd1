#include <weft/autograd/ops/adam_step.hpp>

#include <cmath>

#include <weft/backends/reference/table.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

void adam_step(const KernelCall& call) {
  const auto& op = call.op<op::AdamStep>();
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const T *g = call.inputs[0].raw_as<T>(), *m = call.inputs[1].raw_as<T>(), *v = call.inputs[2].raw_as<T>();
    T *u = call.outputs[0].mutable_raw_as<T>(), *next_m = call.outputs[1].mutable_raw_as<T>(),
      *next_v = call.outputs[2].mutable_raw_as<T>();
    double c1 = *call.inputs[3].raw_as<T>(), c2 = *call.inputs[4].raw_as<T>();
    for (int64_t i = 0; i < call.inputs[0].elements(); ++i) {
      double mean = op.b1 * m[i] + (1 - op.b1) * g[i], square = op.b2 * v[i] + (1 - op.b2) * g[i] * g[i];
      next_m[i] = static_cast<T>(mean);
      next_v[i] = static_cast<T>(square);
      u[i] = static_cast<T>(mean / c1 / (std::sqrt(square / c2 + op.eps_root) + op.eps));
    }
  });
}

}  // namespace

void register_reference_adam_step(KernelTable& table) { table.add<op::AdamStep>(adam_step, wide_floats); }

}  // namespace weft
