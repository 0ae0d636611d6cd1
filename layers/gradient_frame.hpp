#pragma once

#include <vector>

#include <weft/layers/variable.hpp>

namespace weft {

/// Which Variables a value_and_grad() that is running on this thread answers for; frames nest.
class GradientFrame {
 public:
  /// `owned`: every cell of the models and of those named constant. It must outlive the frame.
  explicit GradientFrame(const std::vector<std::vector<const VariableCell*>>& owned);
  ~GradientFrame();
  GradientFrame(const GradientFrame&) = delete;
  GradientFrame& operator=(const GradientFrame&) = delete;

  /// Null outside any.
  static const GradientFrame* current();
  /// Whether this frame or one around it owns the cell.
  bool owns(const VariableCell* cell) const;

 private:
  const std::vector<std::vector<const VariableCell*>>& owned_;  // each sorted
  const GradientFrame* outer_;
};

}  // namespace weft
