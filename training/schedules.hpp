#pragma once

#include <functional>
#include <utility>
#include <vector>

#include <weft/core/tensor.hpp>

namespace weft {

/// A number that may change with the step: a function from the step (int64 scalar, 0 at the first update) to a float64
/// scalar, written in ops. A plain number is a constant schedule.
class Schedule {
 public:
  using Function = std::function<Tensor(const Tensor& step)>;

  Schedule(double value);
  Schedule(float value) : Schedule(static_cast<double>(value)) {}
  Schedule(int value) : Schedule(static_cast<double>(value)) {}
  Schedule(Function function) : function_(std::move(function)) {}

  Tensor operator()(const Tensor& step) const { return function_(step); }
  /// The value at one step, as a number.
  double at(int64_t step) const;

 private:
  Function function_;
};

/// The schedules of optax, by its names, arguments and edge cases (golden/README.md, optax.schedules).

struct PolynomialOptions {
  double init_value = 1, end_value = 0, power = 1;
  int64_t transition_steps = 1, transition_begin = 0;
};
Schedule polynomial_schedule(PolynomialOptions options);

struct LinearScheduleOptions {
  double init_value = 0, end_value = 1;
  int64_t transition_steps = 1, transition_begin = 0;
};
Schedule linear_schedule(LinearScheduleOptions options);

struct CosineDecayOptions {
  double init_value = 1;
  int64_t decay_steps = 1;
  double alpha = 0;  ///< fraction of init_value that is left at the end
  double exponent = 1;
};
Schedule cosine_decay(CosineDecayOptions options);

struct WarmupCosineOptions {
  double init_value = 0, peak_value = 1e-3;
  int64_t warmup_steps = 0;
  int64_t decay_steps = 1;  ///< all steps, warm-up included
  double end_value = 0, exponent = 1;
};
/// Linear from init_value to peak_value, then half a cosine to end_value.
Schedule warmup_cosine_decay(WarmupCosineOptions options);

struct WarmupConstantOptions {
  double init_value = 0, peak_value = 1e-3;
  int64_t warmup_steps = 1;
};
Schedule warmup_constant(WarmupConstantOptions options);

struct ExponentialDecayOptions {
  double init_value = 1;
  int64_t transition_steps = 1;
  double decay_rate = 0.9;
  int64_t transition_begin = 0;
  bool staircase = false;
  double end_value = -1;  ///< never passed; none when negative
};
Schedule exponential_decay(ExponentialDecayOptions options);

struct WarmupExponentialOptions {
  double init_value = 0, peak_value = 1e-3;
  int64_t warmup_steps = 0;
  ExponentialDecayOptions decay;  ///< its init_value is not used
};
Schedule warmup_exponential_decay(WarmupExponentialOptions options);

/// Steps and the factors that apply from them on.
using Boundaries = std::vector<std::pair<int64_t, double>>;
Schedule piecewise_constant(double init_value, Boundaries boundaries_and_scales);
enum class Interpolation { linear, cosine };
Schedule piecewise_interpolate(Interpolation interpolation, double init_value, Boundaries boundaries_and_scales);

struct OnecycleOptions {
  int64_t transition_steps = 1;
  double peak_value = 1e-3, pct_start = 0.3, pct_final = 0.85, div_factor = 25, final_div_factor = 1e4;
};
Schedule cosine_onecycle(OnecycleOptions options);
Schedule linear_onecycle(OnecycleOptions options);

/// Warm-up-cosine schedules one after another, each lasting its decay_steps and counting from 0.
Schedule sgdr(std::vector<WarmupCosineOptions> cycles);
/// `schedules[i]` from `boundaries[i - 1]` on, counting from there. Throws ValueError unless there is one boundary
/// less.
Schedule join_schedules(std::vector<Schedule> schedules, std::vector<int64_t> boundaries);

}  // namespace weft
