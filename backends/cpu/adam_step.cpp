#include <weft/autograd/ops/adam_step.hpp>

#include <cmath>

#include <weft/backends/cpu/table.hpp>
#include <weft/core/parallel.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

void adam_step(const KernelCall& call) {
  const auto& op = call.op<op::AdamStep>();
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const T *g = call.inputs[0].raw_as<T>(), *m = call.inputs[1].raw_as<T>(), *v = call.inputs[2].raw_as<T>();
    T *u = call.outputs[0].mutable_raw_as<T>(), *next_m = call.outputs[1].mutable_raw_as<T>(),
      *next_v = call.outputs[2].mutable_raw_as<T>();
    T b1 = static_cast<T>(op.b1), a1 = static_cast<T>(1 - op.b1), b2 = static_cast<T>(op.b2),
      a2 = static_cast<T>(1 - op.b2), eps = static_cast<T>(op.eps), eps_root = static_cast<T>(op.eps_root);
    T correction1 = *call.inputs[3].raw_as<T>(), correction2 = *call.inputs[4].raw_as<T>();
    constexpr int64_t chunk = 1 << 14;
    int64_t elements = call.inputs[0].elements();
    parallel_for((elements + chunk - 1) / chunk, [&](int64_t task) {
      int64_t end = std::min(elements, (task + 1) * chunk);
      for (int64_t i = task * chunk; i < end; ++i) {
        T mean = b1 * m[i] + a1 * g[i], square = b2 * v[i] + a2 * (g[i] * g[i]);
        next_m[i] = mean;
        next_v[i] = square;
        u[i] = (mean / correction1) / (std::sqrt(square / correction2 + eps_root) + eps);
      }
    });
  });
}

}  // namespace

void register_cpu_adam_step(KernelTable& table) { table.add<op::AdamStep>(adam_step, wide_floats); }

}  // namespace weft
