#pragma once

#include <weft/autograd/ops/plain_op.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

// Functions of one tensor, element by element: the result has the shape of x. All keep a floating dtype; the analytic
// ones turn integers and booleans into float32, while negative, abs, sign, square, relu and the rounding functions keep
// integers. Infinities, NaN and signed zeros follow C's <cmath>.

namespace op {
struct Negative : PlainOp<"negative"> {};
struct Abs : PlainOp<"abs"> {};
struct Sign : PlainOp<"sign"> {};
struct Square : PlainOp<"square"> {};
struct Reciprocal : PlainOp<"reciprocal"> {};
struct Sqrt : PlainOp<"sqrt"> {};
struct Rsqrt : PlainOp<"rsqrt"> {};
struct Cbrt : PlainOp<"cbrt"> {};
struct Exp : PlainOp<"exp"> {};
struct Exp2 : PlainOp<"exp2"> {};
struct Expm1 : PlainOp<"expm1"> {};
struct Log : PlainOp<"log"> {};
struct Log2 : PlainOp<"log2"> {};
struct Log10 : PlainOp<"log10"> {};
struct Log1p : PlainOp<"log1p"> {};
struct Sin : PlainOp<"sin"> {};
struct Cos : PlainOp<"cos"> {};
struct Tan : PlainOp<"tan"> {};
struct Asin : PlainOp<"asin"> {};
struct Acos : PlainOp<"acos"> {};
struct Atan : PlainOp<"atan"> {};
struct Sinh : PlainOp<"sinh"> {};
struct Cosh : PlainOp<"cosh"> {};
struct Tanh : PlainOp<"tanh"> {};
struct Asinh : PlainOp<"asinh"> {};
struct Acosh : PlainOp<"acosh"> {};
struct Atanh : PlainOp<"atanh"> {};
struct Erf : PlainOp<"erf"> {};
struct Erfc : PlainOp<"erfc"> {};
struct ErfInv : PlainOp<"erfinv"> {};
struct Sigmoid : PlainOp<"sigmoid"> {};
struct Softplus : PlainOp<"softplus"> {};
struct LogSigmoid : PlainOp<"log_sigmoid"> {};
struct Relu : PlainOp<"relu"> {};
struct Floor : PlainOp<"floor"> {};
struct Ceil : PlainOp<"ceil"> {};
struct Round : PlainOp<"round"> {};
struct Trunc : PlainOp<"trunc"> {};
struct LogicalNot : PlainOp<"logical_not"> {};
struct IsNan : PlainOp<"isnan"> {};
struct IsInf : PlainOp<"isinf"> {};
struct IsFinite : PlainOp<"isfinite"> {};
/// cotangent where y > 0, else 0: the gradient of relu, from its result.
struct ReluGrad : PlainOp<"relu_grad"> {};
}  // namespace op

/// -x.
Tensor negative(const Tensor& x);
/// |x|; derivative 1 at 0.
Tensor abs(const Tensor& x);
/// -1, 0 or 1; NaN stays; derivative 0.
Tensor sign(const Tensor& x);
/// x * x.
Tensor square(const Tensor& x);
/// 1 / x.
Tensor reciprocal(const Tensor& x);
Tensor sqrt(const Tensor& x);
/// 1 / sqrt(x).
Tensor rsqrt(const Tensor& x);
/// The real cube root.
Tensor cbrt(const Tensor& x);
Tensor exp(const Tensor& x);
/// 2 to the power x.
Tensor exp2(const Tensor& x);
/// exp(x) - 1, exact near 0.
Tensor expm1(const Tensor& x);
Tensor log(const Tensor& x);
Tensor log2(const Tensor& x);
Tensor log10(const Tensor& x);
/// log(1 + x), exact near 0.
Tensor log1p(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tan(const Tensor& x);
Tensor asin(const Tensor& x);
Tensor acos(const Tensor& x);
Tensor atan(const Tensor& x);
Tensor sinh(const Tensor& x);
Tensor cosh(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor asinh(const Tensor& x);
Tensor acosh(const Tensor& x);
Tensor atanh(const Tensor& x);
Tensor erf(const Tensor& x);
/// 1 - erf(x), exact for large x.
Tensor erfc(const Tensor& x);
/// Inverse of erf on (-1, 1).
Tensor erfinv(const Tensor& x);
/// 1 / (1 + exp(-x)).
Tensor sigmoid(const Tensor& x);
/// log(1 + exp(x)), without overflow.
Tensor softplus(const Tensor& x);
/// -softplus(-x).
Tensor log_sigmoid(const Tensor& x);
/// max(x, 0); derivative 0 at 0; NaN stays.
Tensor relu(const Tensor& x);
/// Derivative 0, as of ceil, round and trunc.
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
/// Halves to even.
Tensor round(const Tensor& x);
/// Towards 0.
Tensor trunc(const Tensor& x);
/// True where x is 0.
Tensor logical_not(const Tensor& x);
Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);

/// `x` to an integer power by repeated multiplication; negative powers through the reciprocal. Integers keep their
/// dtype and take powers of 0 or more; throws ValueError otherwise.
Tensor integer_pow(const Tensor& x, int power);
/// sin(pi x) / (pi x), 1 at 0.
Tensor sinc(const Tensor& x);
/// log(x / (1 - x)), the inverse of sigmoid.
Tensor logit(const Tensor& x);
/// NaN replaced by `nan`, infinities by the largest finite numbers of x's dtype; no gradient there.
Tensor nan_to_num(const Tensor& x, double nan = 0);

Tensor operator-(const Tensor& x);
Tensor operator!(const Tensor& x);

}  // namespace weft
