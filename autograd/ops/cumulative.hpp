#pragma once

#include <weft/autograd/ops/plain_op.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

// Running reductions along one axis: result i is made of elements 0 .. i, from the end when `reverse`. `exclusive`: of
// the elements before i only, so that the first is the identity (0, 1, -inf, inf, -inf).

namespace op {
template <OpName Name> struct Cumulative {
  static constexpr std::string_view name{Name.text, sizeof(Name.text) - 1};
  int axis = 0;
  bool reverse = false;
  bool exclusive = false;
  friend bool operator==(const Cumulative&, const Cumulative&) = default;
};
struct CumSum : Cumulative<"cumsum"> {};
struct CumProd : Cumulative<"cumprod"> {};
struct CumMax : Cumulative<"cummax"> {};
struct CumMin : Cumulative<"cummin"> {};
struct CumLogSumExp : Cumulative<"cumlogsumexp"> {};
/// Inputs a, b of one shape: y[0] = 0, y[i] = b[i - 1] + a[i - 1] * y[i - 1]; the recurrence behind the gradients here.
struct LinearScan {
  static constexpr std::string_view name = "linear_scan";
  int axis = 0;
  bool reverse = false;
  friend bool operator==(const LinearScan&, const LinearScan&) = default;
};
}  // namespace op

Tensor cumsum(const Tensor& x, int axis, bool reverse = false, bool exclusive = false);
/// Differentiated exactly where elements are zero.
Tensor cumprod(const Tensor& x, int axis, bool reverse = false, bool exclusive = false);
/// The gradient goes to the first of tied elements.
Tensor cummax(const Tensor& x, int axis, bool reverse = false, bool exclusive = false);
Tensor cummin(const Tensor& x, int axis, bool reverse = false, bool exclusive = false);
/// log of the running sum of exp(x), without overflow.
Tensor cumlogsumexp(const Tensor& x, int axis, bool reverse = false, bool exclusive = false);
/// y[0] = 0, y[i] = b[i - 1] + a[i - 1] * y[i - 1] along `axis`, from the end when `reverse`; a and b broadcast.
Tensor linear_scan(const Tensor& a, const Tensor& b, int axis, bool reverse = false);
/// x[i + 1] - x[i] along `axis`, which gets shorter by one.
Tensor diff(const Tensor& x, int axis = -1);

}  // namespace weft
