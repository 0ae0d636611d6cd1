#include <algorithm>

#include <weft/training/schedules.hpp>

#include "optimizer_config.hpp"
#include "run.hpp"

namespace weft::conformance {

namespace {

WarmupCosineOptions warmup_cosine_options(const Config& config) {
  return {.init_value = config["init_value"].number(),
          .peak_value = config["peak_value"].number(),
          .warmup_steps = config["warmup_steps"].integer(),
          .decay_steps = config["decay_steps"].integer(),
          .end_value = config.number("end_value", 0),
          .exponent = config.number("exponent", 1)};
}

ExponentialDecayOptions exponential_options(const Config& config, double init_value) {
  ExponentialDecayOptions options{.init_value = init_value,
                                  .transition_steps = config["transition_steps"].integer(),
                                  .decay_rate = config["decay_rate"].number(),
                                  .transition_begin = config.integer("transition_begin", 0),
                                  .staircase = config.flag("staircase", false)};
  options.end_value = config.number("end_value", options.end_value);
  return options;
}

/// In order of the steps.
Boundaries boundaries_of(const Config& config) {
  Boundaries boundaries;
  for (const auto& [step, scale] : config.entries()) boundaries.emplace_back(integer_key(step), scale.number());
  std::sort(boundaries.begin(), boundaries.end());
  return boundaries;
}

OnecycleOptions onecycle_options(const Config& config) {
  OnecycleOptions options;
  options.transition_steps = config["transition_steps"].integer();
  options.peak_value = config["peak_value"].number();
  options.pct_start = config.number("pct_start", options.pct_start);
  options.pct_final = config.number("pct_final", options.pct_final);
  options.div_factor = config.number("div_factor", options.div_factor);
  options.final_div_factor = config.number("final_div_factor", options.final_div_factor);
  return options;
}

Schedule interpolated(const Config& config) {
  const std::string type = config["interpolate_type"].text();
  if (type != "linear" && type != "cosine") throw Unsupported("interpolate_type " + type);
  return piecewise_interpolate(type == "linear" ? Interpolation::linear : Interpolation::cosine,
                               config["init_value"].number(), boundaries_of(config["boundaries_and_scales"]));
}

Schedule joined(const Config& config) {
  std::vector<Schedule> parts;
  for (const Config& part : config["schedules"].items()) parts.push_back(schedule_of(part));
  std::vector<int64_t> boundaries;
  for (const Config& boundary : config["boundaries"].items()) boundaries.push_back(boundary.integer());
  return join_schedules(std::move(parts), std::move(boundaries));
}

Schedule restarts(const Config& config) {
  std::vector<WarmupCosineOptions> cycles;
  for (const Config& cycle : config["cosine_kwargs"].items()) cycles.push_back(warmup_cosine_options(cycle));
  return sgdr(std::move(cycles));
}

Schedule polynomial(const Config& config, double power) {
  return polynomial_schedule({.init_value = config["init_value"].number(),
                              .end_value = config["end_value"].number(),
                              .power = power,
                              .transition_steps = config["transition_steps"].integer(),
                              .transition_begin = config.integer("transition_begin", 0)});
}

void run_schedules(Check& check) {
  const std::vector<int32_t> steps = check.golden()["in.steps"].to("cpu").to_vector<int32_t>();
  for (const auto& [name, description] : check.config()["schedules"].entries()) {
    const Schedule schedule = schedule_of(description);
    std::vector<double> values;
    for (int32_t step : steps) values.push_back(schedule.at(step));
    check.equal("out." + name, Tensor::from(values, {static_cast<int64_t>(values.size())}));
  }
}

}  // namespace

Schedule schedule_of(const Config& config) {
  if (config.is_number()) return config.number();
  const std::string& name = config["schedule"].text();
  if (name == "constant_schedule") return config["value"].number();
  if (name == "polynomial_schedule") return polynomial(config, config["power"].number());
  if (name == "linear_schedule")
    return linear_schedule({.init_value = config["init_value"].number(),
                            .end_value = config["end_value"].number(),
                            .transition_steps = config["transition_steps"].integer(),
                            .transition_begin = config.integer("transition_begin", 0)});
  if (name == "cosine_decay_schedule")
    return cosine_decay({.init_value = config["init_value"].number(),
                         .decay_steps = config["decay_steps"].integer(),
                         .alpha = config.number("alpha", 0),
                         .exponent = config.number("exponent", 1)});
  if (name == "warmup_cosine_decay_schedule") return warmup_cosine_decay(warmup_cosine_options(config));
  if (name == "warmup_constant_schedule")
    return warmup_constant({.init_value = config["init_value"].number(),
                            .peak_value = config["peak_value"].number(),
                            .warmup_steps = config["warmup_steps"].integer()});
  if (name == "exponential_decay") return exponential_decay(exponential_options(config, config["init_value"].number()));
  if (name == "warmup_exponential_decay_schedule")
    return warmup_exponential_decay({.init_value = config["init_value"].number(),
                                     .peak_value = config["peak_value"].number(),
                                     .warmup_steps = config["warmup_steps"].integer(),
                                     .decay = exponential_options(config, config["peak_value"].number())});
  if (name == "piecewise_constant_schedule")
    return piecewise_constant(config["init_value"].number(), boundaries_of(config["boundaries_and_scales"]));
  if (name == "piecewise_interpolate_schedule") return interpolated(config);
  if (name == "cosine_onecycle_schedule") return cosine_onecycle(onecycle_options(config));
  if (name == "linear_onecycle_schedule") return linear_onecycle(onecycle_options(config));
  if (name == "sgdr_schedule") return restarts(config);
  if (name == "join_schedules") return joined(config);
  throw Unsupported("schedule " + name);
}

void add_schedules(RunnerTable& table) { table["optax.schedules"] = run_schedules; }

}  // namespace weft::conformance
