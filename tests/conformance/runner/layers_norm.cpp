#include <weft/layers/batch_norm.hpp>
#include <weft/layers/modes.hpp>
#include <weft/layers/norm.hpp>

#include "differentiate.hpp"
#include "run.hpp"

namespace weft::conformance {

namespace {

/// What the norms have in common. How the variance is computed in float32 does not change what is expected.
template <class Options> Options norm_options(const Config& config) {
  Options options;
  options.num_features = config["num_features"].integer();
  options.epsilon = config["epsilon"].number();
  options.use_scale = config["use_scale"].flag();
  if constexpr (requires { options.use_bias; }) options.use_bias = config["use_bias"].flag();
  if constexpr (requires { options.reduction_axes; }) {
    options.reduction_axes = config["reduction_axes"].shape();
    options.feature_axes = config["feature_axes"].shape();
  }
  config["use_fast_variance"].flag();
  return options;
}

template <class Norm> void run_norm(Check& check, const auto& options) {
  Rngs rngs(0);
  Norm norm(options, rngs);
  run_layer(check, module_ref(norm), [&](const Inputs& in) { return Named{{"y", norm(in["in.x"])}}; });
}

void run_layer_norm(Check& check) { run_norm<LayerNorm>(check, norm_options<LayerNormOptions>(check.config())); }

void run_rms_norm(Check& check) { run_norm<RMSNorm>(check, norm_options<RMSNormOptions>(check.config())); }

void run_group_norm(Check& check) {
  GroupNormOptions options = norm_options<GroupNormOptions>(check.config());
  if (!check.config()["num_groups"].is_null()) options.num_groups = check.config()["num_groups"].integer();
  if (!check.config()["group_size"].is_null()) options.group_size = check.config()["group_size"].integer();
  check.config().require_unset("reduction_axes");
  run_norm<GroupNorm>(check, options);
}

void run_instance_norm(Check& check) {
  if (check.config()["feature_axes"].integer() != -1) throw Unsupported("feature_axes other than the last");
  run_norm<InstanceNorm>(check, norm_options<InstanceNormOptions>(check.config()));
}

void run_batch_norm(Check& check) {
  const Config& config = check.config();
  BatchNormOptions options = norm_options<BatchNormOptions>(config);
  options.axis = static_cast<int>(config["axis"].integer());
  options.momentum = config["momentum"].number();
  options.use_running_average = config["use_running_average"].flag();
  std::vector<std::string> modes;
  if (config.has("modes"))
    for (const Config& mode : config["modes"].items()) modes.push_back(mode.text());
  for (const std::string& mode : modes)
    if (mode != "train" && mode != "eval") throw Unsupported("mode " + mode);
  Rngs rngs(0);
  BatchNorm norm(options, rngs);
  run_layer(check, module_ref(norm), [&](const Inputs& in) {
    if (modes.empty()) return Named{{"y", norm(in["in.x"], in.get("in.mask"))}};
    Named outputs;
    for (size_t i = 0; i < modes.size(); ++i) {
      if (modes[i] == "train") train(norm);
      else eval(norm);
      outputs.emplace("y." + std::to_string(i), norm(in["in.x." + std::to_string(i)]));
    }
    return outputs;
  });
}

}  // namespace

void add_norm_layers(RunnerTable& table) {
  table["nnx.LayerNorm"] = run_layer_norm;
  table["nnx.RMSNorm"] = run_rms_norm;
  table["nnx.GroupNorm"] = run_group_norm;
  table["nnx.InstanceNorm"] = run_instance_norm;
  table["nnx.BatchNorm"] = run_batch_norm;
}

}  // namespace weft::conformance
