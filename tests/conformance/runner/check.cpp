#include "check.hpp"

#include <cmath>
#include <cstdio>
#include <limits>

#include <weft/autograd/ops/cast.hpp>

namespace weft::conformance {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

enum class Sort { floating, integer, boolean };
Sort sort_of(DType dtype) {
  return is_floating(dtype) ? Sort::floating : is_integer(dtype) ? Sort::integer : Sort::boolean;
}

std::string format(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string place(int64_t flat, const Shape& shape) {
  Shape index = shape;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    index[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  return to_string(index);
}

std::vector<double> numbers(const Tensor& tensor) {
  Tensor wide = Tensor::empty(tensor.shape(), DType::float64, "cpu");
  copy_elements(tensor.detach().to("cpu"), wide);
  return wide.to_vector<double>();
}

}  // namespace

Difference compare(const Tensor& got, const Tensor& expected, const Tolerance& tolerance) {
  if (!got.defined()) return {infinity, "no result"};
  if (!(got.shape() == expected.shape()) || sort_of(got.dtype()) != sort_of(expected.dtype()))
    return {infinity, "expected " + to_string(expected.spec()) + ", got " + to_string(got.spec())};
  const bool exact = sort_of(expected.dtype()) != Sort::floating;
  const std::vector<double> a = numbers(got), b = numbers(expected);
  Difference worst;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    double allowed = exact ? 0 : tolerance.atol + tolerance.rtol * std::fabs(b[i]);
    double ratio = std::fabs(a[i] - b[i]) / allowed;
    if (!std::isfinite(b[i]) || std::isnan(ratio)) ratio = infinity;
    if (!(ratio > worst.ratio)) continue;
    worst = {ratio, "at " + place(static_cast<int64_t>(i), expected.shape()) + " expected " + format(b[i]) + ", got " +
                        format(a[i]) + ", error " + format(std::fabs(a[i] - b[i]))};
  }
  return worst;
}

Check::Check(const Case& golden, const std::string& call) : golden_(golden) {
  outcome_.name = call.empty() ? golden.name : golden.name + ":" + call;
  outcome_.family = golden.family;
}

void Check::equal(const std::string& what, const Tensor& got, const Tensor& expected) {
  ++comparisons_;
  Difference difference = compare(got, expected, golden_.tolerance);
  if (difference.ratio > outcome_.ratio) {
    outcome_.ratio = difference.ratio;
    if (difference.ratio > 1) fail(what + " " + difference.text);
  }
}

void Check::fail(const std::string& why) {
  if (outcome_.verdict == Verdict::skipped) return;
  outcome_.verdict = Verdict::failed;
  outcome_.reason = why;
}

void Check::skip(const std::string& why) {
  outcome_.verdict = Verdict::skipped;
  outcome_.ratio = 0;
  outcome_.reason = why;
}

}  // namespace weft::conformance
