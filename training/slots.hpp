#pragma once

#include <weft/training/transform.hpp>

namespace weft {

/// One tensor of state for each parameter, of its shape and dtype.
class Slots {
 public:
  explicit Slots(std::string name) : name_(std::move(name)) {}
  void init(const std::vector<std::string>& paths, const Tensors& params, double value = 0);
  Tensor& operator[](size_t i) { return values_[i]; }
  /// Names are `<name>.<parameter path>`.
  void visit(const Transform::StateVisitor& visit);

 private:
  std::string name_;
  std::vector<std::string> paths_;
  Tensors values_;
};

/// Euclidean norm of all elements of all tensors together, a float64 scalar.
Tensor global_norm(const Tensors& tensors);

/// 1 - decay^(step + 1), a float64 scalar.
Tensor bias_correction(double decay, const Tensor& step);

}  // namespace weft
