#include <weft/training/losses.hpp>

#include "differentiate.hpp"
#include "run.hpp"

namespace weft::conformance {

namespace {

/// A loss from the case's inputs.
void run_loss(Check& check, const std::function<Tensor(const Inputs& in)>& loss) {
  differentiate(check, Inputs(check.golden(), {"in."}), [&](const Inputs& in) { return Named{{"y", loss(in)}}; });
}

int axis_of(Check& check) { return static_cast<int>(check.config().integer("axis", -1)); }

/// Losses of two tensors and no arguments.
template <Tensor (*loss)(const Tensor&, const Tensor&)>
void run_pair(Check& check, const char* first, const char* second) {
  run_loss(check, [&](const Inputs& in) { return loss(in[first], in[second]); });
}

void run_cross_entropy(Check& check) {
  CrossEntropyOptions options;
  options.axis = axis_of(check);
  options.label_smoothing = check.config().number("label_smoothing", 0);
  options.mask = check.golden().get("in.where");
  run_loss(check, [&](const Inputs& in) { return softmax_cross_entropy(in["in.logits"], in["in.labels"], options); });
}

void run_focal(Check& check) {
  const double gamma = check.config()["gamma"].number();
  std::optional<double> alpha;
  if (!check.config()["alpha"].is_null()) alpha = check.config()["alpha"].number();
  run_loss(check, [&](const Inputs& in) { return sigmoid_focal_loss(in["in.logits"], in["in.labels"], gamma, alpha); });
}

void run_poly(Check& check) {
  const double epsilon = check.config()["epsilon"].number();
  run_loss(check, [&](const Inputs& in) {
    return poly_cross_entropy(in["in.logits"], in["in.labels"], epsilon, axis_of(check));
  });
}

void run_huber(Check& check) {
  const double delta = check.config()["delta"].number();
  run_loss(check, [&](const Inputs& in) { return huber_loss(in["in.predictions"], in["in.targets"], delta); });
}

void run_cosine(Check& check) {
  const double epsilon = check.config()["epsilon"].number();
  run_loss(check, [&](const Inputs& in) {
    return cosine_distance(in["in.predictions"], in["in.targets"], epsilon, axis_of(check));
  });
}

void run_divergence(Check& check) {
  run_loss(check,
           [&](const Inputs& in) { return kl_divergence(in["in.log_predictions"], in["in.targets"], axis_of(check)); });
}

void run_divergence_of_logs(Check& check) {
  run_loss(check, [&](const Inputs& in) {
    return kl_divergence_with_log_targets(in["in.log_predictions"], in["in.log_targets"], axis_of(check));
  });
}

}  // namespace

void add_losses(RunnerTable& table) {
  table["optax.losses.softmax_cross_entropy"] = run_cross_entropy;
  table["optax.losses.softmax_cross_entropy_with_integer_labels"] = run_cross_entropy;
  table["optax.losses.sigmoid_binary_cross_entropy"] = [](Check& check) {
    run_pair<sigmoid_binary_cross_entropy>(check, "in.logits", "in.labels");
  };
  table["optax.losses.sigmoid_focal_loss"] = run_focal;
  table["optax.losses.poly_loss_cross_entropy"] = run_poly;
  table["optax.losses.huber_loss"] = run_huber;
  table["optax.losses.l2_loss"] = [](Check& check) { run_pair<l2_loss>(check, "in.predictions", "in.targets"); };
  table["optax.losses.log_cosh"] = [](Check& check) { run_pair<log_cosh>(check, "in.predictions", "in.targets"); };
  table["optax.losses.cosine_distance"] = run_cosine;
  table["optax.losses.hinge_loss"] = [](Check& check) {
    run_pair<hinge_loss>(check, "in.predictor_outputs", "in.targets");
  };
  table["optax.losses.multiclass_hinge_loss"] = [](Check& check) {
    run_pair<multiclass_hinge_loss>(check, "in.scores", "in.labels");
  };
  table["optax.losses.kl_divergence"] = run_divergence;
  table["optax.losses.kl_divergence_with_log_targets"] = run_divergence_of_logs;
}

}  // namespace weft::conformance
