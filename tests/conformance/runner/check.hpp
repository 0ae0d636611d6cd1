#pragma once

#include <string>
#include <vector>

#include "case.hpp"

namespace weft::conformance {

/// The largest error of a comparison, in units of what the tolerance allows there: above 1 it fails.
struct Difference {
  double ratio = 0;
  std::string text;  ///< where, got and expected; or why the two cannot be compared
};

/// Floats by the tolerance (equal infinities and two NaN pass too), integers and booleans exactly. Integers may be of
/// either width, floats too; anything else that differs in type, and another shape, fails.
Difference compare(const Tensor& got, const Tensor& expected, const Tolerance& tolerance);

enum class Verdict { passed, failed, skipped };

/// What came of one call.
struct Outcome {
  std::string name, family;
  Verdict verdict = Verdict::passed;
  double ratio = 0;    ///< the largest of its comparisons
  std::string reason;  ///< of a failure, or of being skipped
};

/// Compares the results of one call with what its case expects.
class Check {
 public:
  /// `call` is empty where the case is a single call.
  Check(const Case& golden, const std::string& call = "");

  const Case& golden() const { return golden_; }
  const Config& config() const { return golden_.config; }

  /// `got` with the case's tensor of that name.
  void equal(const std::string& expected, const Tensor& got) { equal(expected, got, golden_[expected]); }
  void equal(const std::string& what, const Tensor& got, const Tensor& expected);
  void fail(const std::string& why);
  void skip(const std::string& why);

  int comparisons() const { return comparisons_; }
  const Outcome& outcome() const { return outcome_; }

 private:
  const Case& golden_;
  Outcome outcome_;
  int comparisons_ = 0;
};

}  // namespace weft::conformance
