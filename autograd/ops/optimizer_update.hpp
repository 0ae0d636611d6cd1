#pragma once

#include <string_view>
#include <vector>

#include <weft/autograd/ops/update_rule.hpp>
#include <weft/core/tensor.hpp>

namespace weft::op {

struct Direction {
  UpdateRule rule = UpdateRule::plain;
  double b1 = 0, b2 = 0, eps = 0, eps_root = 0;
  bool nesterov = false, debias = false, eps_in_root = true;
  friend bool operator==(const Direction&, const Direction&) = default;

  int states() const;
};

/// Weight decay: `rate` times the parameter is added, for the parameters whose place in `mask` is true (all when it is
/// empty).
struct Decay {
  double rate = 0;
  std::vector<bool> mask = {};
  friend bool operator==(const Decay&, const Decay&) = default;

  double of(size_t parameter) const { return mask.empty() || mask[parameter] ? rate : 0; }
};

/// One step of an optimizer for all its parameters, in one pass over memory: for each parameter p with gradient g
///   g <- g * min(1, max_norm / norm);  g <- g + early_decay * p;  u = direction(g);  u <- u + decay * p;
///   u <- -rate * u;  a <- u + momentum * a, u = a (or with Nesterov u + momentum * a);  p + u, or u alone.
/// What is switched off is left out. Inputs: step (int64 [], 0 at the first one), then rate and norm (floating [],
/// those that are in use), then all parameters, all gradients, and all first, second, ... states: for each parameter
/// one shape and floating dtype. Outputs: p + u (or u) for all parameters, then their states.
struct OptimizerUpdate {
  static constexpr std::string_view name = "optimizer_update";
  bool clips = false;
  double max_norm = 0;
  Decay early_decay = {};
  Direction direction = {};
  Decay decay = {};
  bool scales = false;  ///< by -rate
  bool traces = false;  ///< with momentum, in a last state of its own
  double momentum = 0;
  bool nesterov = false;
  bool adds = true;  ///< gives p + u
  friend bool operator==(const OptimizerUpdate&, const OptimizerUpdate&) = default;

  int states() const { return direction.states() + traces; }
  /// Inputs before the parameters.
  int scalars() const { return 1 + scales + clips; }
  int rate_input() const { return 1; }
  int norm_input() const { return 1 + scales; }
  int parameters(int inputs) const { return (inputs - scalars()) / (2 + states()); }
};

inline int Direction::states() const {
  switch (rule) {
    case UpdateRule::plain: return 0;
    case UpdateRule::adam:
    case UpdateRule::centered: return 2;
    default: return 1;
  }
}

}  // namespace weft::op
