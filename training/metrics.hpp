#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <weft/core/tensor.hpp>

namespace weft {

// Metrics gather over batches: update() with each batch, compute() at the end, reset() before the next round. They read
// values, record no gradient, and sum in float64 in the order of the elements. A mask has the shape of the values
// (boolean, true = counts), so that padding stays out; without a mask everything counts.

/// The mean of values. compute() is NaN before the first.
class Average {
 public:
  void reset() { *this = {}; }
  void update(double value, double weight = 1);
  /// Every element of `values` (any shape and number type). Throws ShapeError for a mask of another shape, DTypeError
  /// for one that is not boolean.
  void update(const Tensor& values, const Tensor& mask = {});
  double compute() const;
  double weight() const { return weight_; }

 private:
  double sum_ = 0, weight_ = 0;
};

/// The share of positions whose largest logit is the label's. A NaN among the logits is a miss; of equal logits the
/// first counts.
class Accuracy {
 public:
  void reset() { *this = {}; }
  /// `logits` [shape..., classes], `labels` [shape...] of integers, `mask` [shape...]. Throws ShapeError, DTypeError,
  /// and IndexError for a label outside [0, classes) that the mask does not hide.
  void update(const Tensor& logits, const Tensor& labels, const Tensor& mask = {});
  void update(bool hit);
  double compute() const;
  int64_t hits() const { return hits_; }
  int64_t total() const { return total_; }

 private:
  int64_t hits_ = 0, total_ = 0;
};

/// Mean and spread of values in one pass (Welford 1962).
class Welford {
 public:
  void reset() { *this = {}; }
  void update(double value);
  void update(const Tensor& values, const Tensor& mask = {});
  /// The mean; NaN before the first value.
  double compute() const;
  /// The standard deviation of the values themselves (divided by n).
  double deviation() const;
  /// The standard error of the mean, deviation / sqrt(n).
  double error_of_mean() const;
  int64_t count() const { return count_; }

 private:
  int64_t count_ = 0;
  double mean_ = 0, squares_ = 0;
};

/// Metrics by name: `metrics.average("loss").update(loss); metrics.accuracy("accuracy").update(logits, labels);`
class MultiMetric {
 public:
  /// The metric of that name, made at the first call. Throws ValueError when the name is of another kind.
  Average& average(std::string_view name) { return get<Average>(name); }
  Accuracy& accuracy(std::string_view name) { return get<Accuracy>(name); }
  Welford& welford(std::string_view name) { return get<Welford>(name); }

  void reset();
  /// Name and value of each, in the order in which they were made.
  std::vector<std::pair<std::string, double>> compute() const;

 private:
  using Metric = std::variant<Average, Accuracy, Welford>;
  template <class Kind> Kind& get(std::string_view name);

  std::deque<std::pair<std::string, Metric>> metrics_;
};

}  // namespace weft
