#pragma once

#include <string_view>

#include <weft/core/tensor.hpp>

namespace weft {

namespace op {

/// Softmax cross-entropy with classes: logits [rows..., classes], labels int32 or int64 [rows...] -> loss [rows...],
/// the log of the sum of exp(logits) less the label's logit. With label smoothing a the label's weight is
/// 1 - a + a / classes, that of the others a / classes. A label outside [0, classes) gives NaN. The rows' sums are not
/// kept for the gradient, which takes them again while it has the row in cache.
struct SoftmaxCrossEntropy {
  static constexpr std::string_view name = "softmax_cross_entropy";
  double label_smoothing = 0;
  friend bool operator==(const SoftmaxCrossEntropy&, const SoftmaxCrossEntropy&) = default;
};

/// Its gradient: logits, labels, d_loss [rows...] -> (softmax(logits) - weights) * d_loss.
struct SoftmaxCrossEntropyGrad {
  static constexpr std::string_view name = "softmax_cross_entropy_grad";
  double label_smoothing = 0;
  friend bool operator==(const SoftmaxCrossEntropyGrad&, const SoftmaxCrossEntropyGrad&) = default;
};

}  // namespace op

/// Defines the primitives of this file; their public function is softmax_cross_entropy() in training/losses.hpp.
void define_cross_entropy();

}  // namespace weft
