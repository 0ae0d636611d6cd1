#pragma once

#include <string>

#include <weft/autograd/grad.hpp>

namespace weft {

struct GradcheckOptions {
  double step = 1e-5;       ///< of the central differences, times max(1, |x|)
  double tolerance = 1e-6;  ///< allowed: |analytic - numeric| <= tolerance * max(1, largest |numeric|)
  int64_t most_elements =
      64;                     ///< differences are taken at no more than this many elements of each input, spread evenly
  bool second_order = false;  ///< check the gradient of the gradient instead
};

struct GradcheckResult {
  bool passed = true;
  double largest_error = 0;  ///< of |analytic - numeric| / max(1, largest |numeric|)
  std::string message;       ///< which input and element differ most, and by how much
};

/// Compares the gradient of `function` with central differences. Inputs that are float64 are checked; the others are
/// constants. The outputs are weighted with fixed, asymmetric numbers first, since a plain sum hides many mistakes
/// (the sum of a softmax is constant).
GradcheckResult gradcheck(const Function& function, const Tensors& inputs, GradcheckOptions options = {});

}  // namespace weft
