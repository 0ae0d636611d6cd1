#include <weft/autograd/ops/softmax.hpp>

#include <cmath>

#include <weft/backends/reference/table.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

/// Calls f(first, step, extent) for every line along `axis`.
template <class F> void for_each_line(const Shape& shape, int axis, F&& f) {
  const int64_t inner = shape.slice(axis + 1, shape.rank()).elements(), extent = shape[axis];
  if (shape.elements() == 0) return;
  for (int64_t line = 0; line < shape.elements() / extent; ++line)
    f(line / inner * extent * inner + line % inner, inner, extent);
}

template <class Op> void forward_kernel(const KernelCall& call) {
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const T* x = call.inputs[0].raw_as<T>();
    T* y = call.outputs[0].mutable_raw_as<T>();
    for_each_line(call.inputs[0].shape(), call.op<Op>().axis, [&](int64_t first, int64_t step, int64_t extent) {
      double largest = -HUGE_VAL, total = 0;
      for (int64_t i = 0; i < extent; ++i) largest = std::fmax(largest, x[first + i * step]);
      for (int64_t i = 0; i < extent; ++i) total += std::exp(x[first + i * step] - largest);
      for (int64_t i = 0; i < extent; ++i) {
        double shifted = x[first + i * step] - largest;
        y[first + i * step] =
            static_cast<T>(std::is_same_v<Op, op::Softmax> ? std::exp(shifted) / total : shifted - std::log(total));
      }
    });
  });
}

template <class Op> void grad_kernel(const KernelCall& call) {
  constexpr bool is_log = std::is_same_v<Op, op::LogSoftmaxGrad>;
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const T *y = call.inputs[0].raw_as<T>(), *g = call.inputs[1].raw_as<T>();
    T* result = call.outputs[0].mutable_raw_as<T>();
    for_each_line(call.inputs[0].shape(), call.op<Op>().axis, [&](int64_t first, int64_t step, int64_t extent) {
      double total = 0;
      for (int64_t i = 0; i < extent; ++i) {
        double weight = is_log ? 1.0 : static_cast<double>(y[first + i * step]);
        total += weight * g[first + i * step];
      }
      for (int64_t i = 0; i < extent; ++i) {
        double p = y[first + i * step], cotangent = g[first + i * step];
        result[first + i * step] = static_cast<T>(is_log ? cotangent - std::exp(p) * total : p * (cotangent - total));
      }
    });
  });
}

}  // namespace

void register_reference_softmax(KernelTable& table) {
  table.add<op::Softmax>(forward_kernel<op::Softmax>, wide_floats);
  table.add<op::SoftmaxGrad>(grad_kernel<op::SoftmaxGrad>, wide_floats);
  table.add<op::LogSoftmax>(forward_kernel<op::LogSoftmax>, wide_floats);
  table.add<op::LogSoftmaxGrad>(grad_kernel<op::LogSoftmaxGrad>, wide_floats);
}

}  // namespace weft
