#include <weft/autograd/ops/cross_entropy.hpp>

#include <cmath>

#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/reduce_block.hpp>
#include <weft/backends/cuda/reduce_folds.hpp>
#include <weft/backends/cuda/table.hpp>

// One block for each row of logits, which is read once for the largest and the sum of exponentials together.

namespace weft::cuda {
namespace {

/// loss, or with `gradient` d_logits.
template <class T, class Label, bool gradient> struct CrossEntropyRow {
  using C = Computed<T>;
  using Fold = LogSumExpFold<T>;
  const T* logits;
  const Label* labels;
  const T* d_loss;
  T* result;
  int64_t classes;
  C smoothing;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const T* x = logits + thread.block() * classes;
    typename Fold::Total total = Fold::start();
    C sum = 0;
    for (int64_t i = thread.index(); i < classes; i += thread.block_size()) {
      total = Fold::combine(total, Fold::load(x[i], i));
      if (!gradient && smoothing != C(0)) sum += static_cast<C>(x[i]);
    }
    total = reduce_block(thread, total, [](const auto& a, const auto& b) { return Fold::combine(a, b); });
    // As the difference from the largest, which is infinite where nothing else can tell.
    const C log_sum = total.largest - total.largest == C(0) ? total.largest + std::log(total.sum) : C(NAN);
    const auto label = static_cast<int64_t>(labels[thread.block()]);
    const bool valid = label >= 0 && label < classes;
    const C share = smoothing / static_cast<C>(classes);
    if constexpr (gradient) {
      const C g = static_cast<C>(d_loss[thread.block()]);
      for (int64_t i = thread.index(); i < classes; i += thread.block_size()) {
        const C weight = valid ? (i == label ? 1 - smoothing : C(0)) + share : C(NAN);
        result[thread.block() * classes + i] = static_cast<T>((std::exp(static_cast<C>(x[i]) - log_sum) - weight) * g);
      }
    } else {
      C loss = 0;
      if (smoothing != C(0)) {
        thread.sync();
        sum = reduce_block(thread, sum, weft::cuda::Sum());
        loss = share * (static_cast<C>(classes) * log_sum - sum);
      }
      if (thread.index() != 0) return;
      if (!valid) loss = C(NAN);
      else if (smoothing != C(1)) loss += (1 - smoothing) * (log_sum - static_cast<C>(x[label]));
      result[thread.block()] = static_cast<T>(loss);
    }
  }
};

template <class Op, bool gradient> void kernel(const KernelCall& call) {
  const Tensor &logits = call.inputs[0], &labels = call.inputs[1];
  const int64_t classes = logits.shape().back();
  const int threads = threads_for_row(classes);
  visit_float(logits.dtype(), [&]<class T>(std::type_identity<T>) {
    visit_integer(labels.dtype(), [&]<class Label>(std::type_identity<Label>) {
      const CrossEntropyRow<T, Label, gradient> kernel{
          .logits = logits.raw_as<T>(),
          .labels = labels.raw_as<Label>(),
          .d_loss = gradient ? call.inputs.back().raw_as<T>() : nullptr,
          .result = call.outputs[0].mutable_raw_as<T>(),
          .classes = classes,
          .smoothing = static_cast<Computed<T>>(call.op<Op>().label_smoothing)};
      launch_blocks(kernel, labels.elements(), threads, reduce_bytes<typename LogSumExpFold<T>::Total>(threads));
    });
  });
}

}  // namespace

void register_cuda_cross_entropy(KernelTable& table) {
  table.add<op::SoftmaxCrossEntropy>(kernel<op::SoftmaxCrossEntropy, false>, all_numbers);
  table.add<op::SoftmaxCrossEntropyGrad>(kernel<op::SoftmaxCrossEntropyGrad, true>, all_numbers);
}

}  // namespace weft::cuda
