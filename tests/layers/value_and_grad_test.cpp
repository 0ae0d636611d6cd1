#include <thread>

#include "helpers.hpp"

using namespace weft;
using namespace weft::testing;
using Catch::Matchers::Contains;

namespace {

struct Mlp {
  Linear up, down;
  WEFT_MODULE(Mlp, up, down)

  explicit Mlp(uint64_t seed, DType dtype = DType::float32) : Mlp(Rngs(seed), dtype) {}
  Tensor operator()(const Tensor& x) const {
    Scope scope(*this);
    return down(perturb("hidden", tanh(up(x))));
  }

 private:
  Mlp(Rngs rngs, DType dtype)
      : up({.in_features = 3, .out_features = 5, .param_dtype = dtype}, rngs),
        down({.in_features = 5, .out_features = 2, .param_dtype = dtype}, rngs) {}
};

Tensor distance(const Tensor& a, const Tensor& b) { return mean(square(a - b)); }

}  // namespace

TEST_CASE("gradients of a linear layer are those of the formula") {
  Rngs rngs(0);
  Linear layer({.in_features = 3, .out_features = 2}, rngs);
  Tensor x = wavy({5, 3}), weights = wavy({5, 2}, 2);
  auto [loss, grads] = value_and_grad(layer, [&] { return sum(layer(x) * weights); });
  CHECK(loss.item() == Approx(sum(layer(x) * weights).item()));
  CHECK(grads.size() == 2);
  CHECK(largest_difference(grads["kernel"], matmul(transpose(x), weights)) < 1e-5);
  CHECK(largest_difference(grads["bias"], sum(weights, 0)) < 1e-5);
  CHECK(grads.kind(0) == &Param::kind());
  // Nothing stays on the tape.
  CHECK(layer.kernel.get().node() == nullptr);
  CHECK(grads["kernel"].node() == nullptr);
}

TEST_CASE("parameters pass gradcheck") {
  Mlp model(1, DType::float64);
  Tensor x = wavy({7, 3}, 0, DType::float64);
  GradcheckResult first = check_parameters(model, [&] { return model(x); });
  INFO(first.message);
  CHECK(first.passed);
  GradcheckResult second = check_parameters(model, [&] { return model(x); }, {.second_order = true});
  INFO(second.message);
  CHECK(second.passed);
}

TEST_CASE("gradients share their layout with state, step after step") {
  Mlp model(1);
  Tensor x = wavy({7, 3});
  auto loss = [&] { return mean(square(model(x))); };
  State first = grad(model, loss), second = grad(model, loss);
  CHECK(first.layout() == second.layout());
  CHECK(first.layout() == state_view(model, of_type<Param>).layout());
}

TEST_CASE("the loss may take the model, and give something besides") {
  Mlp model(1);
  Tensor x = wavy({7, 3});
  auto [result, grads] = value_and_grad(model, [&](const Mlp& m) {
    Tensor y = m(x);
    return std::pair(mean(square(y)), y);
  });
  CHECK(result.second.shape() == Shape{7, 2});
  CHECK(grads.size() == 4);
}

TEST_CASE("a filter chooses what gradients are asked for") {
  Mlp model(1);
  Tensor x = wavy({7, 3});
  State grads = grad(model, [&] { return mean(square(model(x))); }, {.wrt = path_glob("down.*")});
  CHECK(grads.size() == 2);
  CHECK(grads.contains("down.kernel"));
}

TEST_CASE("a shared parameter gets the sum of its gradients, once") {
  Rngs rngs(0);
  struct Tied {
    Linear a, b;
    WEFT_MODULE(Tied, a, b)
    explicit Tied(Rngs& r) : a({.in_features = 3, .out_features = 3}, r), b({.in_features = 3, .out_features = 3}, r) {
      b.kernel = a.kernel.share();
    }
  } model(rngs);
  Tensor x = wavy({5, 3}), y = wavy({5, 3}, 1), w = wavy({5, 3}, 2);
  State grads = grad(model, [&] { return sum(model.a(x) * w) + sum(model.b(y) * w); });
  CHECK(grads.size() == 3);
  CHECK(largest_difference(grads["a.kernel"], matmul(transpose(x + y), w)) < 1e-5);
}

TEST_CASE("a parameter that would never learn is an error that names it") {
  Mlp student(1), teacher(2);
  Tensor x = wavy({7, 3});
  auto loss = [&] { return distance(student(x), teacher(x)); };
  CHECK_THAT(error_of<StateError>([&] { value_and_grad(student, loss); }),
             Contains("up: parameter kernel") && Contains("float32[3, 5]") && Contains("constant"));
  // The models' values are untouched by the error.
  CHECK(student.up.kernel.get().node() == nullptr);

  State with_constant = grad(student, loss, {.constant = {&teacher}});
  State under_no_grad = grad(student, [&] {
    Tensor target;
    {
      NoGrad guard;
      target = teacher(x);
    }
    return distance(student(x), target);
  });
  for (size_t i = 0; i < with_constant.size(); ++i) CHECK(same_bits(with_constant.value(i), under_no_grad.value(i)));
}

TEST_CASE("several models at once") {
  Mlp a(1), b(2);
  Tensor x = wavy({7, 3});
  auto loss = [&] { return distance(a(x), b(x)); };
  auto [value, grads] = value_and_grad(std::tie(a, b), loss);
  CHECK(value.item() == loss().item());
  State grads_a = grad(a, loss, {.constant = {&b}}), grads_b = grad(b, loss, {.constant = {&a}});
  for (size_t i = 0; i < grads_a.size(); ++i) {
    CHECK(same_bits(grads[0].value(i), grads_a.value(i)));
    CHECK(same_bits(grads[1].value(i), grads_b.value(i)));
  }
}

TEST_CASE("gradients nest: an inner one inside the loss") {
  // A gradient penalty: the norm of the critic's gradient with respect to its input.
  Mlp critic(3, DType::float64);
  Tensor x = wavy({5, 3}, 0, DType::float64);
  auto penalty = [&] {
    Tensor slope = grad([&](const Tensor& at) { return sum(critic(at)); }, x);
    return mean(square(slope));
  };
  GradcheckResult result = check_parameters(critic, penalty);
  INFO(result.message);
  CHECK(result.passed);
  CHECK(grad(critic, penalty).size() == 4);

  // An inner value_and_grad over another model may use what the outer one owns.
  Mlp inner(4, DType::float64);
  auto nested = [&] {
    State inner_grads = grad(inner, [&] { return distance(inner(x), critic(x)); });
    return sum(square(inner_grads["down.kernel"]));
  };
  CHECK(grad(critic, nested, {.constant = {&inner}}).size() == 4);
}

TEST_CASE("what is missing is said before anything runs") {
  Rngs rngs(0);
  Linear lazy({.out_features = 2}, rngs);
  bool ran = false;
  CHECK_THAT(error_of<StateError>([&] {
               value_and_grad(lazy, [&] {
                 ran = true;
                 return sum(lazy(wavy({5, 3})));
               });
             }),
             Contains("kernel has no shape yet") && Contains("initialize"));
  CHECK(!ran);
  Mlp model(0);
  CHECK_THAT(error_of<ShapeError>([&] { value_and_grad(model, [&] {
                                          return model(wavy({7, 3}));
                                        }); }),
             Contains("[7, 2]"));
}

TEST_CASE("remat gives the same gradient, and writes state once") {
  Rngs rngs(0);
  struct Noisy {
    Linear layer;
    BatchNorm norm;
    Dropout dropout;
    WEFT_MODULE(Noisy, layer, norm, dropout)
    explicit Noisy(Rngs& r)
        : layer({.in_features = 3, .out_features = 5}, r), norm({.num_features = 5}, r), dropout({.rate = 0.5}, r) {}
    Tensor operator()(const Tensor& x) const { return dropout(norm(layer(x))); }
  } plain(rngs);
  Noisy again = clone(plain);
  Tensor x = wavy({11, 3}), w = wavy({11, 5}, 1);
  State a = grad(plain, [&] { return sum(square(plain(x)) * w); });
  State b = grad(again, [&] { return sum(square(remat(again, x)) * w); });
  for (size_t i = 0; i < a.size(); ++i) {
    INFO(a.path(i));
    CHECK(largest_difference(a.value(i), b.value(i)) < 1e-6);
  }
  State after_a = state(plain), after_b = state(again);
  for (size_t i = 0; i < after_a.size(); ++i) CHECK(same_bits(after_a.value(i), after_b.value(i)));
}

TEST_CASE("perturb collects gradients on the way") {
  Mlp model(1);
  Tensor x = wavy({7, 3});
  PerturbationScope scope;
  grad(model, [&] { return sum(model(x)); });
  Tensor expected = matmul(ones({7, 2}), transpose(model.down.kernel));
  CHECK(largest_difference(scope.gradients()["hidden"], expected) < 1e-6);
}

TEST_CASE("two threads train two models", "[threads][host]") {
  auto train = [](uint64_t seed) {
    Mlp model(seed);
    Tensor x = wavy({7, 3});
    for (int step = 0; step < 20; ++step) {
      State grads = grad(model, [&] { return mean(square(model(x))); });
      std::vector<NamedCell> parameters = cells(model, of_type<Param>);
      for (size_t i = 0; i < parameters.size(); ++i)
        parameters[i].cell->put(parameters[i].cell->value() - 0.1 * grads.value(i));
    }
    return state(model);
  };
  State alone_a = train(1), alone_b = train(2), a, b;
  std::thread first([&] { a = train(1); }), second([&] { b = train(2); });
  first.join();
  second.join();
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK(same_bits(a.value(i), alone_a.value(i)));
    CHECK(same_bits(b.value(i), alone_b.value(i)));
  }
}
