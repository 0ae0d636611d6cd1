#include <weft/autograd/ops/cross_entropy.hpp>

#include <cmath>
#include <vector>

#include <weft/backends/reference/table.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

/// Calls f(row, label, log of the sum of exponentials) for every row.
template <class T, class F> void for_each_row(const KernelCall& call, F&& f) {
  const Tensor &logits = call.inputs[0], labels = call.inputs[1];
  const int64_t classes = logits.shape().back();
  for (int64_t row = 0; row < labels.elements(); ++row) {
    const T* x = logits.raw_as<T>() + row * classes;
    const int64_t label = labels.dtype() == DType::int32 ? static_cast<int64_t>(labels.raw_as<int32_t>()[row])
                                                         : labels.raw_as<int64_t>()[row];
    double largest = -HUGE_VAL, total = 0;
    for (int64_t i = 0; i < classes; ++i) largest = std::fmax(largest, x[i]);
    for (int64_t i = 0; i < classes; ++i) total += std::exp(x[i] - largest);
    f(row, label, x, largest + std::log(total));
  }
}

double weight(int64_t place, int64_t label, int64_t classes, double smoothing) {
  if (label < 0 || label >= classes) return NAN;
  return (place == label ? 1 - smoothing : 0) + smoothing / static_cast<double>(classes);
}

void loss_kernel(const KernelCall& call) {
  const double smoothing = call.op<op::SoftmaxCrossEntropy>().label_smoothing;
  const int64_t classes = call.inputs[0].shape().back();
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    T* loss = call.outputs[0].mutable_raw_as<T>();
    for_each_row<T>(call, [&](int64_t row, int64_t label, const T* x, double log_sum) {
      double total = 0;
      for (int64_t i = 0; i < classes; ++i) {
        const double w = weight(i, label, classes, smoothing);
        if (w != 0) total += w * (log_sum - x[i]);
      }
      loss[row] = static_cast<T>(total);
    });
  });
}

void grad_kernel(const KernelCall& call) {
  const double smoothing = call.op<op::SoftmaxCrossEntropyGrad>().label_smoothing;
  const int64_t classes = call.inputs[0].shape().back();
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const T* d_loss = call.inputs[2].raw_as<T>();
    T* result = call.outputs[0].mutable_raw_as<T>();
    for_each_row<T>(call, [&](int64_t row, int64_t label, const T* x, double log_sum) {
      for (int64_t i = 0; i < classes; ++i)
        result[row * classes + i] = static_cast<T>((std::exp(x[i] - log_sum) - weight(i, label, classes, smoothing)) *
                                                   static_cast<double>(d_loss[row]));
    });
  });
}

}  // namespace

void register_reference_cross_entropy(KernelTable& table) {
  table.add<op::SoftmaxCrossEntropy>(loss_kernel, wide_floats | integers);
  table.add<op::SoftmaxCrossEntropyGrad>(grad_kernel, wide_floats | integers);
}

}  // namespace weft
