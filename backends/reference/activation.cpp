#include <weft/autograd/ops/activation.hpp>

#include <cmath>
#include <numbers>

#include <weft/backends/reference/table.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

constexpr double tanh_rate = 0.79788456080286535588;  // sqrt(2 / pi)

double gelu_value(double x, bool approximate) {
  if (approximate) return 0.5 * x * (1 + std::tanh(tanh_rate * (x + 0.044715 * x * x * x)));
  return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
}

double gelu_slope(double x, bool approximate) {
  if (approximate) {
    double t = std::tanh(tanh_rate * (x + 0.044715 * x * x * x));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * tanh_rate * (1 + 3 * 0.044715 * x * x);
  }
  return 0.5 * std::erfc(-x / std::numbers::sqrt2) + x * std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
}

double silu_slope(double x) {
  double s = 1 / (1 + std::exp(-x));
  return s * (1 + x * (1 - s));
}

/// result = f(x), times the second input where there is one.
template <class F> void run(const KernelCall& call, F&& f) {
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const T* x = call.inputs[0].raw_as<T>();
    const T* g = call.inputs.size() > 1 ? call.inputs[1].raw_as<T>() : nullptr;
    T* y = call.outputs[0].mutable_raw_as<T>();
    for (int64_t i = 0; i < call.outputs[0].elements(); ++i)
      y[i] = static_cast<T>(f(static_cast<double>(x[i])) * (g ? g[i] : T(1)));
  });
}

void gelu_kernel(const KernelCall& call) {
  run(call, [a = call.op<op::Gelu>().approximate](double x) { return gelu_value(x, a); });
}
void gelu_grad_kernel(const KernelCall& call) {
  run(call, [a = call.op<op::GeluGrad>().approximate](double x) { return gelu_slope(x, a); });
}
void silu_kernel(const KernelCall& call) {
  run(call, [](double x) { return x / (1 + std::exp(-x)); });
}
void silu_grad_kernel(const KernelCall& call) { run(call, silu_slope); }

}  // namespace

void register_reference_activation(KernelTable& table) {
  table.add<op::Gelu>(gelu_kernel, wide_floats);
  table.add<op::GeluGrad>(gelu_grad_kernel, wide_floats);
  table.add<op::Silu>(silu_kernel, wide_floats);
  table.add<op::SiluGrad>(silu_grad_kernel, wide_floats);
}

}  // namespace weft
