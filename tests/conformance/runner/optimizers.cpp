#include <weft/layers/graph.hpp>
#include <weft/layers/module.hpp>
#include <weft/training/ema.hpp>
#include <weft/training/optimizer.hpp>
#include <weft/training/optimizers.hpp>

#include "optimizer_config.hpp"
#include "run.hpp"

namespace weft::conformance {

namespace {

/// The parameters of an optimizer case, whatever their names. Paths are `all.<name>`.
struct Bag {
  std::map<std::string, Param> all;
  WEFT_MODULE(Bag, all)

  explicit Bag(const Named& values) {
    for (const auto& [name, value] : values) all.emplace(name, Param(value.copy()));
  }
};
constexpr std::string_view bag_prefix = "all.";

/// A parameter's name in the case.
std::string name_of_parameter(const std::string& path) {
  return path.rfind(bag_prefix, 0) == 0 ? path.substr(bag_prefix.size()) : path;
}

/// `mask` of a transformation: none, true, or for each path.
ParamMask mask_of(const Config& config, const std::string& key = "mask") {
  const Config& mask = config.get(key);
  if (mask.is_null()) return nullptr;
  if (mask.is_boolean()) {
    if (!mask.flag()) throw Unsupported("a mask that is false everywhere");
    return nullptr;
  }
  std::map<std::string, bool> chosen;
  for (const auto& [path, applies] : mask.entries()) chosen[path] = applies.flag();
  return [chosen](const std::string& path, const Tensor&) { return chosen.at(name_of_parameter(path)); };
}

TransformPtr rmsprop_of(const Config& config) {
  config.require_unset("bias_correction");
  RmspropOptions options;
  options.learning_rate = schedule_of(config["learning_rate"]);
  options.decay = config["decay"].number();
  options.eps = config["eps"].number();
  options.initial_scale = config["initial_scale"].number();
  options.eps_in_sqrt = config["eps_in_sqrt"].flag();
  options.centered = config["centered"].flag();
  options.momentum = config.number("momentum", 0);
  options.nesterov = config["nesterov"].flag();
  return rmsprop(options);
}

TransformPtr partition_of(const Config& config) {
  std::vector<std::pair<std::string, TransformPtr>> parts;
  for (const auto& [label, part] : config["transforms"].entries()) parts.emplace_back(label, transform_of(part));
  std::map<std::string, std::string> labels;
  for (const auto& [path, label] : config["labels"].entries()) labels[path] = label.text();
  return partition(std::move(parts), [labels](const std::string& path) { return labels.at(name_of_parameter(path)); });
}

TransformPtr chain_of(const Config& config) {
  std::vector<TransformPtr> stages;
  for (const Config& stage : config["transforms"].items()) stages.push_back(transform_of(stage));
  return chain(std::move(stages));
}

void run_optimizer(Check& check) {
  const Case& golden = check.golden();
  const Config& config = check.config();
  const TransformPtr transform = transform_of(config["optimizer"]);
  const int64_t steps = config["steps"].integer();
  Bag bag(golden.under("param."));
  Optimizer optimizer(bag, transform);
  std::optional<ParameterAverage> average;
  if (config.has("step_size")) average.emplace(bag, config["step_size"].number());
  for (int64_t step = 0; step < steps; ++step) {
    const std::string at = std::to_string(step) + ".";
    State gradients;
    for (const auto& [name, value] : golden.under("in.grad." + at))
      gradients.set(std::string(bag_prefix) + name, value);
    optimizer.update(gradients);
    for (auto [path, value, kind] : state_view(bag)) check.equal("out.param." + at + name_of_parameter(path), value);
    if (!average) continue;
    average->update(bag);
    for (auto [path, value, kind] : average->average())
      check.equal("out.average." + at + name_of_parameter(path), value);
  }
}

}  // namespace

TransformPtr transform_of(const Config& config) {
  const std::string& name = config["name"].text();
  if (name == "sgd")
    return sgd({.learning_rate = schedule_of(config["learning_rate"]),
                .momentum = config.number("momentum", 0),
                .nesterov = config["nesterov"].flag()});
  if (name == "adam" || name == "adamw") config.require_unset("nesterov");
  if (name == "adam")
    return adam({.learning_rate = schedule_of(config["learning_rate"]),
                 .b1 = config["b1"].number(),
                 .b2 = config["b2"].number(),
                 .eps = config["eps"].number(),
                 .eps_root = config["eps_root"].number()});
  if (name == "adamw")
    return adamw({.learning_rate = schedule_of(config["learning_rate"]),
                  .b1 = config["b1"].number(),
                  .b2 = config["b2"].number(),
                  .eps = config["eps"].number(),
                  .eps_root = config["eps_root"].number(),
                  .weight_decay = config["weight_decay"].number(),
                  .mask = mask_of(config)});
  if (name == "lion")
    return lion({.learning_rate = schedule_of(config["learning_rate"]),
                 .b1 = config["b1"].number(),
                 .b2 = config["b2"].number(),
                 .weight_decay = config["weight_decay"].number(),
                 .mask = mask_of(config)});
  if (name == "rmsprop") return rmsprop_of(config);
  if (name == "adagrad")
    return adagrad({.learning_rate = schedule_of(config["learning_rate"]),
                    .initial_accumulator_value = config["initial_accumulator_value"].number(),
                    .eps = config["eps"].number()});
  if (name == "clip") return clip_elements(config["max_delta"].number());
  if (name == "clip_by_global_norm") return clip_by_global_norm(config["max_norm"].number());
  if (name == "add_decayed_weights") return add_decayed_weights(config["weight_decay"].number(), mask_of(config));
  if (name == "ema") return gradient_ema(config["decay"].number(), config["debias"].flag());
  if (name == "chain") return chain_of(config);
  if (name == "partition") return partition_of(config);
  if (name == "MultiSteps")
    return multi_steps(transform_of(config["inner"]), config["every_k_schedule"].integer(),
                       config["use_grad_mean"].flag());
  throw Unsupported("optimizer " + name);
}

void add_optimizers(RunnerTable& table) {
  for (const char* op : {"optax.sgd", "optax.adam", "optax.adamw", "optax.lion", "optax.rmsprop", "optax.adagrad",
                         "optax.chain", "optax.partition", "optax.MultiSteps", "optax.incremental_update"})
    table[op] = run_optimizer;
}

}  // namespace weft::conformance
