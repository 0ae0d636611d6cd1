#pragma once

#include <weft/training/transform.hpp>

namespace weft {

// The optimizers of optax, by its names and defaults. In the formulas g is the gradient, p the parameter, t counts
// steps from 1, m and v start at 0, and p <- p - learning_rate * u.

struct SgdOptions {
  Schedule learning_rate = 1e-2;
  double momentum = 0;
  bool nesterov = false;
};
/// u = g; with momentum a <- g + momentum * a, u = a or with Nesterov g + momentum * a.
TransformPtr sgd(SgdOptions options);

struct AdamOptions {
  Schedule learning_rate = 1e-3;
  double b1 = 0.9, b2 = 0.999, eps = 1e-8, eps_root = 0;
};
/// m <- b1 m + (1-b1) g, v <- b2 v + (1-b2) g^2, u = m/(1-b1^t) / (sqrt(v/(1-b2^t) + eps_root) + eps).
TransformPtr adam(AdamOptions options);

struct AdamWOptions {
  Schedule learning_rate = 1e-3;
  double b1 = 0.9, b2 = 0.999, eps = 1e-8, eps_root = 0;
  double weight_decay = 1e-4;
  ParamMask mask = nullptr;  ///< where weight decay applies; everywhere when null
};
/// adam, with weight_decay * p added to u.
TransformPtr adamw(AdamWOptions options);

struct LionOptions {
  Schedule learning_rate = 1e-4;
  double b1 = 0.9, b2 = 0.99, weight_decay = 1e-3;
  ParamMask mask = nullptr;
};
/// u = sign(b1 m + (1-b1) g), then m <- b2 m + (1-b2) g; plus weight_decay * p.
TransformPtr lion(LionOptions options);

struct RmspropOptions {
  Schedule learning_rate = 1e-3;
  double decay = 0.9, eps = 1e-8, initial_scale = 0;
  bool eps_in_sqrt = true, centered = false;
  double momentum = 0;
  bool nesterov = false;
};
/// v <- decay v + (1-decay) g^2, u = g / sqrt(v + eps); centered subtracts the squared mean gradient from v.
TransformPtr rmsprop(RmspropOptions options);

struct AdagradOptions {
  Schedule learning_rate = 1e-2;
  double initial_accumulator_value = 0.1, eps = 1e-7;
};
/// s <- s + g^2, u = g / sqrt(s + eps).
TransformPtr adagrad(AdagradOptions options);

/// The stages that these are made of.
TransformPtr scale_by_adam(double b1, double b2, double eps, double eps_root);

}  // namespace weft
