#include <weft/training/optimizers.hpp>

#include <weft/training/fused_update.hpp>

namespace weft {
namespace {

/// The stage of one rule, with states of these names.
TransformPtr stage(const op::Direction& direction, std::vector<Slots> states) {
  return std::make_shared<FusibleStage>(
      [direction](FusedUpdate& fused, std::vector<Slots>& own) { return fused.direct(direction, own); },
      std::move(states));
}

}  // namespace

TransformPtr scale_by_adam(double b1, double b2, double eps, double eps_root) {
  return stage({.rule = op::UpdateRule::adam, .b1 = b1, .b2 = b2, .eps = eps, .eps_root = eps_root},
               {Slots("mu"), Slots("nu")});
}

TransformPtr sgd(SgdOptions o) {
  TransformPtr rate = scale_by_learning_rate(o.learning_rate);
  return o.momentum == 0 ? rate : chain(trace(o.momentum, o.nesterov), rate);
}

TransformPtr adam(AdamOptions o) {
  return chain(scale_by_adam(o.b1, o.b2, o.eps, o.eps_root), scale_by_learning_rate(o.learning_rate));
}

TransformPtr adamw(AdamWOptions o) {
  return chain(scale_by_adam(o.b1, o.b2, o.eps, o.eps_root), add_decayed_weights(o.weight_decay, o.mask),
               scale_by_learning_rate(o.learning_rate));
}

TransformPtr lion(LionOptions o) {
  return chain(stage({.rule = op::UpdateRule::lion, .b1 = o.b1, .b2 = o.b2}, {Slots("mu")}),
               add_decayed_weights(o.weight_decay, o.mask), scale_by_learning_rate(o.learning_rate));
}

TransformPtr rmsprop(RmspropOptions o) {
  std::vector<Slots> states{Slots("nu", o.initial_scale)};
  if (o.centered) states.emplace_back("mu");
  std::vector<TransformPtr> stages{stage({.rule = o.centered ? op::UpdateRule::centered : op::UpdateRule::rms,
                                          .b1 = o.decay,
                                          .eps = o.eps,
                                          .eps_in_root = o.eps_in_sqrt},
                                         std::move(states)),
                                   scale_by_learning_rate(o.learning_rate)};
  if (o.momentum != 0) stages.push_back(trace(o.momentum, o.nesterov));
  return chain(std::move(stages));
}

TransformPtr adagrad(AdagradOptions o) {
  return chain(
      stage({.rule = op::UpdateRule::adagrad, .eps = o.eps}, {Slots("sum_of_squares", o.initial_accumulator_value)}),
      scale_by_learning_rate(o.learning_rate));
}

}  // namespace weft
