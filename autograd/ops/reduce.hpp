#pragma once

#include <weft/autograd/ops/axes.hpp>
#include <weft/autograd/ops/plain_op.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

// Reductions over any axes (`{}`: all). The reduced axes vanish, or stay with extent 1 when `keepdims`. `mask`, where
// given, broadcasts to x's shape and only elements where it is true take part. Sums of floats go through a fixed tree,
// so that they are accurate and the same at any number of threads. Integers keep their dtype; booleans are summed as
// int64.

namespace op {
/// Base of a reduction's attributes; `axes` are counted from the front and sorted, none left out.
template <OpName Name> struct Reduction {
  static constexpr std::string_view name{Name.text, sizeof(Name.text) - 1};
  Shape axes;
  bool keepdims = false;
  friend bool operator==(const Reduction&, const Reduction&) = default;
};
struct Sum : Reduction<"sum"> {};
struct Prod : Reduction<"prod"> {};
struct Max : Reduction<"max"> {};
struct Min : Reduction<"min"> {};
struct Any : Reduction<"any"> {};
struct All : Reduction<"all"> {};
struct LogSumExp : Reduction<"logsumexp"> {};

/// `axis` counted from the front; the result is int64.
template <OpName Name> struct ArgReduction {
  static constexpr std::string_view name{Name.text, sizeof(Name.text) - 1};
  int axis = 0;
  bool keepdims = false;
  friend bool operator==(const ArgReduction&, const ArgReduction&) = default;
};
struct ArgMax : ArgReduction<"argmax"> {};
struct ArgMin : ArgReduction<"argmin"> {};
}  // namespace op

Tensor sum(const Tensor& x, const Axes& axes = {}, bool keepdims = false, const Tensor& mask = {});
/// Differentiated exactly where elements are zero.
Tensor prod(const Tensor& x, const Axes& axes = {}, bool keepdims = false, const Tensor& mask = {});
/// Tied elements share the gradient equally; NaN wins. Throws ShapeError for no elements; with a mask, where no element
/// takes part, the result is the dtype's lowest value.
Tensor max(const Tensor& x, const Axes& axes = {}, bool keepdims = false, const Tensor& mask = {});
Tensor min(const Tensor& x, const Axes& axes = {}, bool keepdims = false, const Tensor& mask = {});
/// Integers give float32. NaN for no elements.
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdims = false, const Tensor& mask = {});
/// Mean squared distance from the mean, with divisor n - ddof.
Tensor var(const Tensor& x, const Axes& axes = {}, double ddof = 0, bool keepdims = false, const Tensor& mask = {});
Tensor stddev(const Tensor& x, const Axes& axes = {}, double ddof = 0, bool keepdims = false, const Tensor& mask = {});
/// log(sum(exp(x))) without overflow; -inf for no elements.
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, bool keepdims = false, const Tensor& mask = {});
/// log(mean(exp(x))).
Tensor logmeanexp(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
/// (sum |x|^order)^(1 / order); infinity: the largest |x|, 0: how many are not 0. The gradient at zero is zero.
Tensor norm(const Tensor& x, const Axes& axes = {}, double order = 2, bool keepdims = false);
/// Boolean results.
Tensor any(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
Tensor all(const Tensor& x, const Axes& axes = {}, bool keepdims = false);
/// How many elements are not 0, int64.
Tensor count_nonzero(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

/// Place of the first largest element along `axis`, int64; a NaN counts as largest (and, for argmin, as smallest).
/// Throws ShapeError for an empty axis.
Tensor argmax(const Tensor& x, int axis, bool keepdims = false);
Tensor argmin(const Tensor& x, int axis, bool keepdims = false);
/// Among all elements, in row-major order.
Tensor argmax(const Tensor& x);
Tensor argmin(const Tensor& x);

/// Sums x down to `shape`, which must broadcast to x's: undoes a broadcast, for gradients.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace weft
