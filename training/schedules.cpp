#include <weft/training/schedules.hpp>

#include <cmath>
#include <numbers>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

Tensor number(const Tensor& step) { return cast(step, DType::float64); }
Tensor scalar(double value) { return Tensor(value); }

void need(bool condition, const char* schedule, const char* what) {
  if (!condition) throw ValueError(std::string(schedule) + ": expected " + what);
}

/// Half a cosine from 1 to 0 while `fraction` goes from 0 to 1.
Tensor half_cosine(const Tensor& fraction) { return (cos(fraction * std::numbers::pi) + 1.0) * 0.5; }

}  // namespace

Schedule::Schedule(double value) : function_([value](const Tensor&) { return scalar(value); }) {}

double Schedule::at(int64_t step) const { return function_(Tensor(step)).item<double>(); }

Schedule polynomial_schedule(PolynomialOptions o) {
  if (o.transition_steps <= 0) return o.init_value;
  return Schedule([o](const Tensor& step) {
    Tensor count =
        clip(number(step) - static_cast<double>(o.transition_begin), 0.0, static_cast<double>(o.transition_steps));
    Tensor left = 1.0 - count / static_cast<double>(o.transition_steps);
    return (o.init_value - o.end_value) * power(left, o.power) + o.end_value;
  });
}

Schedule linear_schedule(LinearScheduleOptions o) {
  return polynomial_schedule({.init_value = o.init_value,
                              .end_value = o.end_value,
                              .power = 1,
                              .transition_steps = o.transition_steps,
                              .transition_begin = o.transition_begin});
}

Schedule cosine_decay(CosineDecayOptions o) {
  need(o.decay_steps > 0, "cosine_decay", "decay_steps of at least 1");
  return Schedule([o](const Tensor& step) {
    Tensor fraction = minimum(number(step), static_cast<double>(o.decay_steps)) / static_cast<double>(o.decay_steps);
    return o.init_value * ((1 - o.alpha) * power(half_cosine(fraction), o.exponent) + o.alpha);
  });
}

Schedule join_schedules(std::vector<Schedule> schedules, std::vector<int64_t> boundaries) {
  need(!schedules.empty() && boundaries.size() + 1 == schedules.size(), "join_schedules",
       "one boundary less than schedules, and at least one schedule");
  return Schedule([schedules = std::move(schedules), boundaries = std::move(boundaries)](const Tensor& step) {
    Tensor value = schedules[0](step);
    for (size_t i = 0; i < boundaries.size(); ++i)
      value = where(step < boundaries[i], value, schedules[i + 1](step - boundaries[i]));
    return value;
  });
}

Schedule warmup_cosine_decay(WarmupCosineOptions o) {
  need(o.decay_steps > o.warmup_steps, "warmup_cosine_decay", "decay_steps beyond warmup_steps");
  double alpha = o.peak_value == 0 ? 0 : o.end_value / o.peak_value;
  return join_schedules({linear_schedule({o.init_value, o.peak_value, o.warmup_steps, 0}),
                         cosine_decay({o.peak_value, o.decay_steps - o.warmup_steps, alpha, o.exponent})},
                        {o.warmup_steps});
}

Schedule warmup_constant(WarmupConstantOptions o) {
  return linear_schedule({o.init_value, o.peak_value, o.warmup_steps, 0});
}

Schedule exponential_decay(ExponentialDecayOptions o) {
  need(o.transition_steps > 0 && o.decay_rate > 0, "exponential_decay", "positive transition_steps and decay_rate");
  return Schedule([o](const Tensor& step) {
    Tensor count = number(step) - static_cast<double>(o.transition_begin);
    Tensor exponent = count / static_cast<double>(o.transition_steps);
    if (o.staircase) exponent = floor(exponent);
    Tensor value = where(count <= 0.0, scalar(o.init_value), o.init_value * power(scalar(o.decay_rate), exponent));
    if (o.end_value < 0) return value;
    return o.decay_rate < 1 ? maximum(value, o.end_value) : minimum(value, o.end_value);
  });
}

Schedule warmup_exponential_decay(WarmupExponentialOptions o) {
  o.decay.init_value = o.peak_value;
  return join_schedules({linear_schedule({o.init_value, o.peak_value, o.warmup_steps, 0}), exponential_decay(o.decay)},
                        {o.warmup_steps});
}

Schedule piecewise_constant(double init_value, Boundaries boundaries) {
  return Schedule([init_value, boundaries = std::move(boundaries)](const Tensor& step) {
    Tensor value = scalar(init_value);
    for (const auto& [boundary, scale] : boundaries) {
      double factor = scale;
      value = value * where(step >= boundary, scalar(factor), scalar(1));
    }
    return value;
  });
}

Schedule piecewise_interpolate(Interpolation interpolation, double init_value, Boundaries boundaries) {
  return Schedule([interpolation, init_value, boundaries = std::move(boundaries)](const Tensor& step) {
    Tensor count = number(step), value = scalar(init_value);
    int64_t from = 0;
    double before = init_value;
    for (const auto& [boundary, scale] : boundaries) {
      double after = before * scale;
      Tensor fraction = clip((count - static_cast<double>(from)) / static_cast<double>(boundary - from), 0.0, 1.0);
      Tensor left = interpolation == Interpolation::cosine ? half_cosine(fraction) : 1.0 - fraction;
      value = where(count >= static_cast<double>(from), after + (before - after) * left, value);
      from = boundary;
      before = after;
    }
    return value;
  });
}

Schedule cosine_onecycle(OnecycleOptions o) {
  need(o.transition_steps > 0, "cosine_onecycle", "transition_steps of at least 1");
  auto rise = static_cast<int64_t>(o.pct_start * static_cast<double>(o.transition_steps));
  return piecewise_interpolate(Interpolation::cosine, o.peak_value / o.div_factor,
                               {{rise, o.div_factor}, {o.transition_steps, 1 / (o.div_factor * o.final_div_factor)}});
}

Schedule linear_onecycle(OnecycleOptions o) {
  need(o.transition_steps > 0, "linear_onecycle", "transition_steps of at least 1");
  auto at = [&](double part) { return static_cast<int64_t>(part * static_cast<double>(o.transition_steps)); };
  return piecewise_interpolate(Interpolation::linear, o.peak_value / o.div_factor,
                               {{at(o.pct_start), o.div_factor},
                                {at(o.pct_final), 1 / o.div_factor},
                                {o.transition_steps, 1 / o.final_div_factor}});
}

Schedule sgdr(std::vector<WarmupCosineOptions> cycles) {
  std::vector<Schedule> schedules;
  std::vector<int64_t> boundaries;
  int64_t end = 0;
  for (const WarmupCosineOptions& cycle : cycles) {
    schedules.push_back(warmup_cosine_decay(cycle));
    end += cycle.decay_steps;
    boundaries.push_back(end);
  }
  if (!boundaries.empty()) boundaries.pop_back();
  return join_schedules(std::move(schedules), std::move(boundaries));
}

}  // namespace weft
