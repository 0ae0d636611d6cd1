#include <weft/autograd/ops/cross_entropy.hpp>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/lines.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/parallel.hpp>

namespace weft {
namespace {

/// Calls f(row, label) for every row, on several threads.
template <class F> void for_each_row(const Tensor& logits, const Tensor& labels, F&& f) {
  const bool narrow = labels.dtype() == DType::int32;
  const int32_t* narrow_labels = narrow ? labels.raw_as<int32_t>() : nullptr;
  const int64_t* wide_labels = narrow ? nullptr : labels.raw_as<int64_t>();
  parallel_chunks(labels.elements(), cpu::lines_per_task(logits.shape().back()), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      f(row, narrow ? static_cast<int64_t>(narrow_labels[row]) : wide_labels[row]);
  });
}

void loss_kernel(const KernelCall& call) {
  const double smoothing = call.op<op::SoftmaxCrossEntropy>().label_smoothing;
  const int64_t classes = call.inputs[0].shape().back();
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const auto run = cpu::isa_kernels().softmax.of<T>().cross_entropy;
    const T* x = call.inputs[0].raw_as<T>();
    T* loss = call.outputs[0].mutable_raw_as<T>();
    for_each_row(call.inputs[0], call.inputs[1], [&](int64_t row, int64_t label) {
      loss[row] = run(x + row * classes, classes, label, static_cast<T>(smoothing));
    });
  });
}

void grad_kernel(const KernelCall& call) {
  const double smoothing = call.op<op::SoftmaxCrossEntropyGrad>().label_smoothing;
  const int64_t classes = call.inputs[0].shape().back();
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const auto run = cpu::isa_kernels().softmax.of<T>().cross_entropy_grad;
    const T *x = call.inputs[0].raw_as<T>(), *d_loss = call.inputs[2].raw_as<T>();
    T* result = call.outputs[0].mutable_raw_as<T>();
    for_each_row(call.inputs[0], call.inputs[1], [&](int64_t row, int64_t label) {
      run(x + row * classes, classes, label, static_cast<T>(smoothing), d_loss[row], result + row * classes);
    });
  });
}

}  // namespace

void register_cpu_cross_entropy(KernelTable& table) {
  table.add<op::SoftmaxCrossEntropy>(loss_kernel, wide_floats | integers);
  table.add<op::SoftmaxCrossEntropyGrad>(grad_kernel, wide_floats | integers);
}

}  // namespace weft
