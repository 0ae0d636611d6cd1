#include <weft/training/metrics.hpp>

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <weft/core/error.hpp>

namespace weft {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// All elements in row-major order; halves, integers and booleans convert exactly, float64 stays.
std::vector<double> to_doubles(const Tensor& tensor) {
  Tensor host = tensor.detach().to(Device());
  Tensor wide = Tensor::empty(host.shape(), DType::float64, Device());
  copy_elements(host, wide);
  return wide.to_vector<double>();
}

void check_mask(const Tensor& mask, const Shape& shape, const char* name) {
  if (!mask.defined()) return;
  if (mask.dtype() != DType::boolean)
    throw DTypeError(fmt::format("{}: mask: expected boolean, got {}", name, name_of(mask.dtype())));
  if (mask.shape() != shape)
    throw ShapeError(fmt::format("{}: mask: expected {}, got {}", name, to_string(shape), to_string(mask.shape())));
}

/// Calls f(value) for the elements that the mask lets through.
template <class F> void for_each_value(const Tensor& values, const Tensor& mask, const char* name, F&& f) {
  check_mask(mask, values.shape(), name);
  std::vector<double> numbers = to_doubles(values);
  std::vector<double> counts = mask.defined() ? to_doubles(mask) : std::vector<double>(numbers.size(), 1.0);
  for (size_t i = 0; i < numbers.size(); ++i)
    if (counts[i] != 0) f(numbers[i]);
}

/// The first largest of `count` numbers; -1 when one is NaN.
int64_t argmax(const double* numbers, int64_t count) {
  int64_t best = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (std::isnan(numbers[i])) return -1;
    if (numbers[i] > numbers[best]) best = i;
  }
  return best;
}

}  // namespace

void Average::update(double value, double weight) {
  sum_ += value * weight;
  weight_ += weight;
}

void Average::update(const Tensor& values, const Tensor& mask) {
  for_each_value(values, mask, "Average", [&](double value) { update(value); });
}

double Average::compute() const { return weight_ == 0 ? nan : sum_ / weight_; }

void Accuracy::update(const Tensor& logits, const Tensor& labels, const Tensor& mask) {
  if (logits.rank() < 1 || logits.shape().back() < 1 || logits.shape().slice(0, logits.rank() - 1) != labels.shape())
    throw ShapeError(fmt::format("Accuracy: expected logits [shape..., classes] and labels [shape...], got {} and {}",
                                 to_string(logits.shape()), to_string(labels.shape())));
  if (!is_integer(labels.dtype()))
    throw DTypeError(fmt::format("Accuracy: labels: expected integers, got {}", name_of(labels.dtype())));
  check_mask(mask, labels.shape(), "Accuracy");
  int64_t classes = logits.shape().back();
  std::vector<double> scores = to_doubles(logits), expected = to_doubles(labels);
  std::vector<double> counts = mask.defined() ? to_doubles(mask) : std::vector<double>(expected.size(), 1.0);
  for (size_t i = 0; i < expected.size(); ++i) {
    if (counts[i] == 0) continue;
    int64_t label = static_cast<int64_t>(expected[i]);
    if (label < 0 || label >= classes)
      throw IndexError(fmt::format("Accuracy: expected labels in [0, {}), got {}", classes, label));
    update(argmax(scores.data() + static_cast<int64_t>(i) * classes, classes) == label);
  }
}

void Accuracy::update(bool hit) {
  hits_ += hit;
  ++total_;
}

double Accuracy::compute() const {
  return total_ == 0 ? nan : static_cast<double>(hits_) / static_cast<double>(total_);
}

void Welford::update(double value) {
  ++count_;
  double before = value - mean_;
  mean_ += before / static_cast<double>(count_);
  squares_ += before * (value - mean_);
}

void Welford::update(const Tensor& values, const Tensor& mask) {
  for_each_value(values, mask, "Welford", [&](double value) { update(value); });
}

double Welford::compute() const { return count_ == 0 ? nan : mean_; }
double Welford::deviation() const { return count_ == 0 ? nan : std::sqrt(squares_ / static_cast<double>(count_)); }
double Welford::error_of_mean() const { return deviation() / std::sqrt(static_cast<double>(count_)); }

template <class Kind> Kind& MultiMetric::get(std::string_view name) {
  for (auto& [known, metric] : metrics_)
    if (known == name) {
      if (Kind* kind = std::get_if<Kind>(&metric)) return *kind;
      throw ValueError(fmt::format("MultiMetric: {} is a metric of another kind", name));
    }
  metrics_.emplace_back(std::string(name), Kind{});
  return std::get<Kind>(metrics_.back().second);
}

template Average& MultiMetric::get<Average>(std::string_view);
template Accuracy& MultiMetric::get<Accuracy>(std::string_view);
template Welford& MultiMetric::get<Welford>(std::string_view);

void MultiMetric::reset() {
  for (auto& [name, metric] : metrics_) std::visit([](auto& held) { held.reset(); }, metric);
}

std::vector<std::pair<std::string, double>> MultiMetric::compute() const {
  std::vector<std::pair<std::string, double>> values;
  for (const auto& [name, metric] : metrics_)
    values.emplace_back(name, std::visit([](const auto& held) { return held.compute(); }, metric));
  return values;
}

}  // namespace weft
