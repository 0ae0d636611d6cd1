#pragma once

#include <weft/autograd/ops/axes.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

namespace op {
/// `axis` is counted from the front.
struct Softmax {
  static constexpr std::string_view name = "softmax";
  int axis = 0;
  friend bool operator==(const Softmax&, const Softmax&) = default;
};
/// Inputs: result, cotangent. result * (cotangent - sum(result * cotangent)).
struct SoftmaxGrad {
  static constexpr std::string_view name = "softmax_grad";
  int axis = 0;
  friend bool operator==(const SoftmaxGrad&, const SoftmaxGrad&) = default;
};
struct LogSoftmax {
  static constexpr std::string_view name = "log_softmax";
  int axis = 0;
  friend bool operator==(const LogSoftmax&, const LogSoftmax&) = default;
};
/// Inputs: result, cotangent. cotangent - exp(result) * sum(cotangent).
struct LogSoftmaxGrad {
  static constexpr std::string_view name = "log_softmax_grad";
  int axis = 0;
  friend bool operator==(const LogSoftmaxGrad&, const LogSoftmaxGrad&) = default;
};
}  // namespace op

/// exp(x) / sum(exp(x)) over the axes, without overflow; integers become float32. Elements where `mask` (which
/// broadcasts to x's shape) is false take no part and get 0; so does a row without any. A row that is all -inf gives
/// NaN.
Tensor softmax(const Tensor& x, const Axes& axes = -1, const Tensor& mask = {});
/// x - logsumexp(x) over the axes. Elements where `mask` is false take no part and get -inf.
Tensor log_softmax(const Tensor& x, const Axes& axes = -1, const Tensor& mask = {});

}  // namespace weft
