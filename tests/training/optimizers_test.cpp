#include <cmath>

#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/training/optimizers.hpp>

using namespace weft;

namespace {

/// Runs `steps` updates of one parameter with the same gradient, and gives the parameter after each.
std::vector<std::vector<double>> run(TransformPtr transform, std::vector<double> param,
                                     const std::vector<double>& gradient, int steps,
                                     const std::string& path = "layer.kernel") {
  auto size = static_cast<int64_t>(param.size());
  std::vector<std::string> paths{path};
  Tensor value = Tensor::from(param, {size, 1});
  transform->init(paths, {value});
  std::vector<std::vector<double>> history;
  for (int64_t step = 0; step < steps; ++step) {
    Tensor update = transform->update({Tensor::from(gradient, {size, 1})}, {paths, {value}, Tensor(step)})[0];
    std::vector<double> delta = update.to_vector<double>();
    for (size_t i = 0; i < param.size(); ++i) param[i] += delta[i];
    value = Tensor::from(param, {size, 1});
    history.push_back(param);
  }
  return history;
}

}  // namespace

TEST_CASE("sgd follows its formula, with momentum and Nesterov") {
  auto plain = run(sgd({.learning_rate = 0.1}), {1.0, -2.0, 3.0}, {1, 2, -4}, 2);
  CHECK(plain[1][0] == Approx(0.8));
  CHECK(plain[1][2] == Approx(3.8));
  auto momentum = run(sgd({.learning_rate = 0.1, .momentum = 0.5}), {0.0}, {1}, 3);
  CHECK(momentum[0][0] == Approx(-0.1));
  CHECK(momentum[1][0] == Approx(-0.25));
  CHECK(momentum[2][0] == Approx(-0.425));
  auto nesterov = run(sgd({.learning_rate = 0.1, .momentum = 0.5, .nesterov = true}), {0.0}, {1}, 2);
  CHECK(nesterov[0][0] == Approx(-0.15));
  CHECK(nesterov[1][0] == Approx(-0.325));
}

TEST_CASE("adam's first step has the size of the learning rate whatever the gradient's") {
  for (double gradient : {1e-3, 7.0, -1e4}) {
    auto history = run(adam({.learning_rate = 0.01}), {0.0}, {gradient}, 1);
    CHECK(history[0][0] == Approx(gradient > 0 ? -0.01 : 0.01).epsilon(1e-4));
  }
}

TEST_CASE("adamw decays weights where its mask allows") {
  AdamWOptions options{.learning_rate = 0.1, .weight_decay = 0.5, .mask = kernels_only()};
  CHECK(run(adamw(options), {2.0}, {0}, 1, "attend.query.kernel")[0][0] == Approx(1.9));
  CHECK(run(adamw(options), {2.0}, {0}, 1, "attend.query.bias")[0][0] == Approx(2.0));
}

TEST_CASE("global-norm clipping keeps the direction and bounds the length") {
  auto clipped = run(chain(clip_by_global_norm(1.0), scale(-1)), {0, 0}, {3, 4}, 1);
  CHECK(clipped[0][0] == Approx(-0.6));
  CHECK(clipped[0][1] == Approx(-0.8));
  auto kept = run(chain(clip_by_global_norm(10.0), scale(-1)), {0, 0}, {3, 4}, 1);
  CHECK(kept[0][1] == Approx(-4.0));
  CHECK_THROWS_AS(clip_by_global_norm(0), ValueError);
}

TEST_CASE("multi_steps applies the mean gradient once in k steps") {
  auto history = run(multi_steps(sgd({.learning_rate = 1.0}), 3), {0.0}, {2}, 6);
  CHECK(history[1][0] == 0);
  CHECK(history[2][0] == Approx(-2));
  CHECK(history[4][0] == Approx(-2));
  CHECK(history[5][0] == Approx(-4));
}

TEST_CASE("partition sends every parameter to its label's transformation, and knows no others") {
  auto make = [] {
    return partition({{"fast", sgd({.learning_rate = 1.0})}, {"slow", sgd({.learning_rate = 0.1})}},
                     [](const std::string& path) { return path == "head.kernel" ? "fast" : "slow"; });
  };
  CHECK(run(make(), {0.0}, {1}, 1, "head.kernel")[0][0] == Approx(-1));
  CHECK(run(make(), {0.0}, {1}, 1, "body.kernel")[0][0] == Approx(-0.1));
  auto unknown = partition({{"fast", sgd({})}}, [](const std::string&) { return "other"; });
  CHECK_THROWS_WITH(run(unknown, {0.0}, {1}, 1), "partition: no transformation for label 'other' of layer.kernel");
}

TEST_CASE("schedules have optax's values at their corners") {
  Schedule schedule =
      warmup_cosine_decay({.init_value = 0, .peak_value = 2, .warmup_steps = 10, .decay_steps = 30, .end_value = 0.5});
  CHECK(schedule.at(0) == 0);
  CHECK(schedule.at(5) == Approx(1));
  CHECK(schedule.at(10) == Approx(2));
  CHECK(schedule.at(20) == Approx(1.25));
  CHECK(schedule.at(30) == Approx(0.5));
  CHECK(schedule.at(1000) == Approx(0.5));
  CHECK(linear_schedule({1, 3, 4, 2}).at(4) == Approx(2));
  CHECK(piecewise_constant(1, {{3, 0.5}, {5, 0.1}}).at(4) == Approx(0.5));
  CHECK(piecewise_constant(1, {{3, 0.5}, {5, 0.1}}).at(5) == Approx(0.05));
  CHECK(exponential_decay({.init_value = 8, .transition_steps = 2, .decay_rate = 0.5}).at(4) == Approx(2));
  CHECK_THROWS_AS(join_schedules({1.0, 2.0}, {}), ValueError);
}
