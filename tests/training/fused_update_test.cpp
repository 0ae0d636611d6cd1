#include <cmath>
#include <map>

#include <catch2/catch.hpp>

#include <weft/autograd/jit.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/random.hpp>
#include <weft/autograd/tape.hpp>
#include <weft/core/backend.hpp>
#include <weft/layers/graph.hpp>
#include <weft/tests/support/same_bits.hpp>
#include <weft/training/ema.hpp>
#include <weft/training/optimizer.hpp>
#include <weft/training/optimizers.hpp>

using namespace weft;
using namespace weft::testing;

namespace {

struct Bag {
  std::vector<Param> params;
  WEFT_MODULE(Bag, params)

  explicit Bag(const std::vector<Shape>& shapes, DType dtype = DType::float32) {
    for (const Shape& shape : shapes)
      params.emplace_back(uniform(shape, {5, 0, static_cast<uint32_t>(params.size())}, -1, 1, dtype));
  }
};

const std::vector<Shape> shapes{{3, 5}, {7}, {}, {0, 3}, {131, 257}};

State gradients_of(const Bag& bag, uint32_t step) {
  uint32_t count = 1000 * step;
  return state(bag).map([&](const std::string&, const Tensor& p) {
    return uniform(p.shape(), {6, 1, count++}, -2, 2, p.dtype());
  });
}

/// The primitives that run, and how often.
template <class F> std::map<std::string, int> primitives_of(F&& run) {
  std::map<std::string, int> counts;
  OpListener listener([&](const Primitive& primitive, const void*, auto, auto) { ++counts[primitive.name()]; });
  run();
  return counts;
}

/// Every stage by itself, and a sum in the end.
class OneByOne final : public Transform {
 public:
  explicit OneByOne(TransformPtr transform) : transform_(std::move(transform)) { transform_->list_stages(stages_); }
  void init(const std::vector<std::string>& paths, const Tensors& params) override {
    for (Transform* stage : stages_) stage->init(paths, params);
  }
  Tensors update(Tensors gradients, const UpdateContext& context) override {
    for (Transform* stage : stages_) gradients = stage->update(std::move(gradients), context);
    return gradients;
  }
  void visit_state(const StateVisitor& visit) override { transform_->visit_state(visit); }
  size_t stages() const { return stages_.size(); }

 private:
  TransformPtr transform_;
  std::vector<Transform*> stages_;
};

ParamMask matrices() {
  return [](const std::string&, const Tensor& param) { return param.rank() >= 2; };
}

/// Twice the gradient: a stage that Weft does not know.
class Doubled final : public Transform {
 public:
  Tensors update(Tensors gradients, const UpdateContext&) override {
    for (Tensor& gradient : gradients) gradient = gradient * 2;
    return gradients;
  }
};

std::vector<std::pair<std::string, std::function<TransformPtr()>>> optimizers() {
  Schedule rate = warmup_cosine_decay({.peak_value = 0.1, .warmup_steps = 2, .decay_steps = 9});
  return {
      {"clipped adamw",
       [=] {
         return chain(clip_by_global_norm(0.5),
                      adamw({.learning_rate = rate, .weight_decay = 0.1, .mask = matrices()}));
       }},
      {"adam", [=] { return adam({.learning_rate = rate, .eps_root = 1e-6}); }},
      {"sgd", [=] { return chain(clip_by_global_norm(1e9), sgd({.learning_rate = rate})); }},
      {"coupled decay and nesterov",
       [=] {
         return chain(add_decayed_weights(0.1), sgd({.learning_rate = rate, .momentum = 0.9, .nesterov = true}));
       }},
      {"momentum", [=] { return sgd({.learning_rate = rate, .momentum = 0.9}); }},
      {"lion", [=] { return lion({.learning_rate = rate, .weight_decay = 0.1, .mask = matrices()}); }},
      {"rmsprop", [=] { return rmsprop({.learning_rate = rate, .momentum = 0.5, .nesterov = true}); }},
      {"centered rmsprop",
       [=] { return rmsprop({.learning_rate = rate, .eps = 1e-3, .eps_in_sqrt = false, .centered = true}); }},
      {"adagrad", [=] { return chain(adagrad({.learning_rate = rate}), scale(0.5)); }},
      {"mean", [=] { return chain(gradient_ema(0.9), scale(-0.1)); }},
      {"clip in the middle", [=] { return chain(trace(0.9), clip_by_global_norm(0.5), scale_by_learning_rate(rate)); }},
      {"own stage in the middle",
       [=] { return chain(clip_by_global_norm(1), TransformPtr(std::make_shared<Doubled>()), adam({})); }},
  };
}

}  // namespace

TEST_CASE("stages in one pass have the bits of one stage after another", "[optimizer]") {
  for (DType dtype : {DType::float32, DType::float64})
    for (const auto& [name, make] : optimizers()) {
      INFO(name << " " << name_of(dtype));
      Bag bag(shapes, dtype), other(shapes, dtype);
      auto apart = std::make_shared<OneByOne>(make());
      Optimizer fused(bag, make()), plain(other, apart);
      for (uint32_t step = 0; step < 4; ++step) {
        fused.update(gradients_of(bag, step));
        plain.update(gradients_of(other, step));
      }
      check_same_bits(state(bag), state(other));
      check_same_bits(fused.state(), plain.state());
    }
}

TEST_CASE("a step of an optimizer is one primitive for all parameters", "[optimizer]") {
  auto step_of = [](TransformPtr transform) {
    Bag bag(shapes);
    Optimizer optimizer(bag, std::move(transform));
    State gradients = gradients_of(bag, 0);
    return primitives_of([&] { optimizer.update(gradients); });
  };
  using Counts = std::map<std::string, int>;
  // `add` counts the step.
  CHECK(step_of(adamw({})) == Counts{{"optimizer_update", 1}, {"add", 1}});
  CHECK(step_of(sgd({.momentum = 0.9})) == Counts{{"optimizer_update", 1}, {"add", 1}});
  CHECK(step_of(rmsprop({.momentum = 0.9})) == Counts{{"optimizer_update", 1}, {"add", 1}});
  CHECK(step_of(chain(clip_by_global_norm(1), chain(adamw({})))) ==
        Counts{{"global_norm", 1}, {"optimizer_update", 1}, {"add", 1}});
  CHECK(step_of(masked(chain(clip_by_global_norm(1), lion({})), matrices())) ==
        Counts{{"global_norm", 1}, {"optimizer_update", 1}, {"add", 1}});
}

TEST_CASE("nothing in an update reads a tensor: a traced one would be refused", "[optimizer]") {
  // multi_steps, of which only the last step changes anything, runs the same ops in every step.
  Bag bag(shapes);
  Optimizer optimizer(bag, multi_steps(chain(clip_by_global_norm(1), adam({})), 3));
  auto step = [&](uint32_t i) { return primitives_of([&] { optimizer.update(gradients_of(bag, i)); }); };
  const auto first = step(0);
  for (uint32_t i = 1; i < 6; ++i) CHECK(step(i) == first);
}

TEST_CASE("multi_steps of adam is adam on the mean gradients", "[optimizer]") {
  Bag bag(shapes), other(shapes);
  Optimizer often(bag, multi_steps(adam({.learning_rate = 0.1}), 3)), seldom(other, adam({.learning_rate = 0.1}));
  for (uint32_t round = 0; round < 2; ++round) {
    State before = state(bag), sum;
    for (uint32_t i = 0; i < 3; ++i) {
      State gradients = gradients_of(bag, 3 * round + i);
      for (size_t p = 0; p < gradients.size(); ++p) {
        const std::string& path = gradients.path(p);
        sum.set(path, i == 0 ? gradients.value(p) : sum[path] + gradients.value(p));
      }
      check_same_bits(state(bag), before);
      often.update(gradients);
    }
    seldom.update(sum.map([](const std::string&, const Tensor& value) { return value / 3.0; }));
  }
  check_same_bits(state(bag), state(other));
  CHECK(often.step() == 6);
}

TEST_CASE("state keeps its names, and what was given out stays as it is", "[optimizer]") {
  Bag bag({{2}, {3}});
  Optimizer optimizer(bag, chain(clip_by_global_norm(1.0), adamw({})));
  State before = optimizer.state();
  std::vector<std::string> names;
  for (auto [path, value, kind] : before) names.push_back(path);
  CHECK(names ==
        std::vector<std::string>{"step", "1.0.mu.params.0", "1.0.mu.params.1", "1.0.nu.params.0", "1.0.nu.params.1"});
  Tensor held = bag.params[0].get(), copy = held.copy();
  optimizer.update(gradients_of(bag, 0));
  CHECK(same_bits(held, copy));
  CHECK_FALSE(same_bits(held, bag.params[0].get()));
  CHECK(before["step"].item<int64_t>() == 0);
  CHECK(before["1.0.mu.params.1"].to_vector<float>() == std::vector<float>(3, 0.0f));
}

TEST_CASE("large parameters are updated in groups, each with its own masks", "[optimizer]") {
  const std::vector<Shape> large{{1031, 1033}, {11}, {2, 2}, {1 << 20}, {3}, {5, 1}};
  Bag bag(large), other(large);
  auto make = [] { return adamw({.learning_rate = 0.1, .weight_decay = 0.5, .mask = matrices()}); };
  Optimizer fused(bag, make()), plain(other, std::make_shared<OneByOne>(make()));
  fused.update(gradients_of(bag, 0));
  for (size_t i = 0; i < large.size(); ++i) {
    Bag single({large[i]});
    single.params[0].set(other.params[i].get());
    Optimizer alone(single, make());
    State gradient =
        state(single).map([&](const std::string&, const Tensor&) { return gradients_of(other, 0).value(i); });
    alone.update(gradient);
    INFO(i);
    CHECK(same_bits(single.params[0].get(), bag.params[i].get()));
  }
}

TEST_CASE("an update needs memory for one group more, not for a second copy of everything", "[optimizer]") {
  Bag bag(std::vector<Shape>(8, Shape{1 << 20}));
  Optimizer optimizer(bag, adamw({}));
  State gradients = gradients_of(bag, 0);
  optimizer.update(gradients);
  set_memory_limit(memory_stats().active + (int64_t{16} << 20));  // p, m and v of a group are 12 MiB, all are 96
  CHECK_NOTHROW(optimizer.update(gradients));
  set_memory_limit(0);
}

TEST_CASE("a moving average of parameters is one primitive, and what it gave stays as it is", "[optimizer]") {
  Bag bag(shapes);
  ParameterAverage average(bag, 0.25);
  State start = average.average();
  check_same_bits(start, state(bag));
  for (Param& param : bag.params) param.set(param.get() + 1);
  auto counts = primitives_of([&] { average.update(bag); });
  CHECK(counts == std::map<std::string, int>{{"parameter_average", 1}});
  for (size_t i = 0; i < shapes.size(); ++i) {
    auto now = average.average().value(i).to_vector<float>(), then = start.value(i).to_vector<float>();
    for (size_t k = 0; k < now.size(); ++k) CHECK(now[k] == Approx(then[k] + 0.25f).margin(1e-6));
  }
}

TEST_CASE("updates within jit have the bits of those outside", "[optimizer][jit]") {
  auto list = optimizers();
  list.emplace_back("multi_steps", [] { return multi_steps(chain(clip_by_global_norm(1), adam({})), 2); });
  list.emplace_back("masked", [] { return masked(adamw({}), matrices()); });
  list.emplace_back("partition", [] {
    return partition({{"first", adam({})}, {"rest", sgd({.momentum = 0.9})}},
                     [](const std::string& path) { return path == "params.0" ? "first" : "rest"; });
  });
  for (const auto& [name, make] : list) {
    INFO(name);
    Bag bag(shapes), other(shapes);
    Optimizer inside(bag, make()), outside(other, make());
    ParameterAverage average(bag, 0.1), other_average(other, 0.1);
    auto layout = gradients_of(bag, 0).layout();
    auto step = jit([&](const Tensors& gradients) {
      inside.update(State(layout, gradients));
      average.update(bag);
      return gradients[0];
    });
    for (uint32_t i = 0; i < 6; ++i) {
      step(gradients_of(bag, i).values());
      outside.update(gradients_of(other, i));
      other_average.update(other);
    }
    CHECK(step.plans() == 1);
    CHECK(inside.step() == 6);
    check_same_bits(state(bag), state(other));
    check_same_bits(inside.state(), outside.state());
    check_same_bits(average.average(), other_average.average());
  }
}
