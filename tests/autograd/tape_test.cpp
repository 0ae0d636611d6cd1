#include <cmath>
#include <thread>

#include <catch2/catch.hpp>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/gradcheck.hpp>
#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/matmul.hpp>
#include <weft/autograd/ops/random.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/softmax.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/autograd/remat.hpp>
#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>

using namespace weft;
using Catch::Matchers::Contains;

namespace {

Tensor numbers(const Shape& shape, double phase = 0) {
  std::vector<double> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(0.9 * static_cast<double>(i) + phase);
  return Tensor::from(values, shape);
}

}  // namespace

TEST_CASE("a value used several times gathers all its gradients", "[tape]") {
  Tensor gradient = grad([](const Tensor& x) { return sum(x * x * x + x); }, numbers({5}));
  std::vector<double> x = numbers({5}).to_vector<double>(), g = gradient.to_vector<double>();
  for (size_t i = 0; i < 5; ++i) CHECK(g[i] == Approx(3 * x[i] * x[i] + 1));
}

TEST_CASE("gradients of gradients nest", "[tape]") {
  auto cube = [](const Tensor& x) { return sum(x * x * x); };
  auto slope = [&](const Tensor& x) { return sum(grad(cube, x)); };
  auto curvature = [&](const Tensor& x) { return sum(grad(slope, x)); };
  CHECK(grad(slope, Tensor(2.0)).item() == Approx(12));
  CHECK(grad(curvature, Tensor(2.0)).item() == Approx(6));
}

TEST_CASE("a chain of a million operations is walked and freed without recursion", "[tape][host]") {
  auto [value, gradients] = value_and_grad(
      [](const Tensors& inputs) {
        Tensor x = inputs[0];
        for (int i = 0; i < 1'000'000; ++i) x = negative(x);
        return x;
      },
      {Tensor(3.0)});
  CHECK(value.item() == 3);
  CHECK(gradients[0].item() == 1);
}

TEST_CASE("nothing is recorded outside a gradient, nor under NoGrad, nor behind stop_gradient", "[tape]") {
  CHECK(exp(numbers({3})).node() == nullptr);
  Tensor gradient = grad(
      [](const Tensor& x) {
        NoGrad guard;
        return sum(x * x);
      },
      numbers({3}));
  CHECK(sum(abs(gradient)).item() == 0);
  Tensor half = grad([](const Tensor& x) { return sum(x * stop_gradient(x)); }, numbers({3}));
  CHECK(half.to_vector<double>() == numbers({3}).to_vector<double>());
}

TEST_CASE("the value that leaves a gradient holds no tape", "[tape]") {
  auto [value, gradients] = value_and_grad([](const Tensors& in) { return sum(exp(in[0])); }, {numbers({3})});
  CHECK(value.node() == nullptr);
  CHECK(gradients[0].node() == nullptr);
}

TEST_CASE("a pullback runs once unless it is told to stay", "[tape]") {
  Tensors x{numbers({3})}, one{ones({3}, float64)};
  VjpResult result = vjp([](const Tensors& in) { return Tensors{exp(in[0])}; }, x);
  result.pullback(one);
  CHECK_THROWS_AS(result.pullback(one), StateError);
  VjpResult kept = vjp([](const Tensors& in) { return Tensors{exp(in[0])}; }, x);
  kept.pullback.retain = true;
  CHECK(kept.pullback(one)[0].to_vector<double>() == kept.pullback(one)[0].to_vector<double>());
  CHECK_THROWS_AS(kept.pullback({}), ShapeError);
}

TEST_CASE("a change in place between forward and gradient is an error that names the op", "[tape][host]") {
  Tensor x = numbers({4}), y = numbers({4}, 1);
  VjpResult result = vjp([&](const Tensors& in) { return Tensors{in[0] * y}; }, {x});
  y.mutable_data<double>()[2] = 7;
  CHECK_THROWS_WITH(result.pullback({ones({4}, float64)}), Contains("multiply") && Contains("changed in place"));
  CHECK_THROWS_AS(grad(
                      [](const Tensor& t) {
                        Tensor u = t * 2.0;
                        u.mutable_data<double>()[0] = 1;
                        return sum(u);
                      },
                      x),
                  StateError);
}

TEST_CASE("jvp agrees with central differences", "[tape]") {
  Function f = [](const Tensors& in) { return Tensors{tanh(matmul(in[0], in[1])), softmax(in[0])}; };
  Tensors at{numbers({3, 5}), numbers({5, 2}, 1)}, along{numbers({3, 5}, 2), numbers({5, 2}, 3)};
  auto [values, tangents] = jvp(f, at, along);
  double h = 1e-6;
  Tensors ahead = f({at[0] + h * along[0], at[1] + h * along[1]}),
          behind = f({at[0] - h * along[0], at[1] - h * along[1]});
  for (size_t i = 0; i < 2; ++i) {
    Tensor error = max(abs(tangents[i] - (ahead[i] - behind[i]) / (2 * h)));
    CHECK(error.item() < 1e-8);
  }
}

TEST_CASE("custom_vjp takes its own gradient, which may be differentiated again", "[tape]") {
  int calls = 0;
  Function clipped = custom_vjp(
      [](const Tensors& in) {
        return ForwardResult{{square(in[0])}, {in[0]}};
      },
      [&](const Tensors& residuals, const Tensors& cotangents) {
        ++calls;
        return Tensors{cotangents[0] * residuals[0] * 3.0};
      });
  auto f = [&](const Tensor& x) { return sum(clipped({x})[0]); };
  CHECK(grad(f, Tensor(2.0)).item() == Approx(6));
  CHECK(calls == 1);
  CHECK(grad([&](const Tensor& x) { return sum(grad(f, x)); }, Tensor(2.0)).item() == Approx(3));
  Function wrong = custom_vjp(
      [](const Tensors& in) {
        return ForwardResult{{in[0]}, {}};
      },
      [](const Tensors&, const Tensors&) { return Tensors{}; });
  CHECK_THROWS_AS(grad([&](const Tensor& x) { return sum(wrong({x})[0]); }, Tensor(2.0)), ShapeError);
}

TEST_CASE("hooks see and replace a gradient", "[tape]") {
  Tensor seen;
  Tensor gradient = grad(
      [&](const Tensor& x) {
        return sum(gradient_hook(x * 2.0, [&](const Tensor& g) {
          seen = g;
          return g * 10.0;
        }));
      },
      numbers({3}));
  CHECK(seen.to_vector<double>() == std::vector<double>{1, 1, 1});
  CHECK(gradient.to_vector<double>() == std::vector<double>{20, 20, 20});
}

TEST_CASE("remat runs its function twice, and gives the same bits, dropout included", "[tape]") {
  int calls = 0;
  RandomKey key{7, 1, 2};
  Function layer = [&](const Tensors& in) {
    ++calls;
    Replay* replay = Replay::current();
    RandomKey mine = key;
    if (replay && replay->replaying) mine = replay->keys[replay->next++];
    else if (replay) replay->keys.push_back(mine);
    return Tensors{dropout(tanh(matmul(in[0], in[1])), 0.3, mine)};
  };
  Tensors inputs{numbers({7, 5}), numbers({5, 3}, 1)};
  auto run = [&](const Function& f) {
    return value_and_grad([&](const Tensors& in) { return sum(square(f(in)[0])); }, inputs);
  };
  auto [plain_value, plain] = run(layer);
  CHECK(calls == 1);
  calls = 0;
  auto [value, gradients] = run(remat(layer));
  CHECK(calls == 2);
  CHECK(value.item() == plain_value.item());
  for (size_t i = 0; i < 2; ++i) CHECK(gradients[i].to_vector<double>() == plain[i].to_vector<double>());
}

TEST_CASE("remat finds the tensors that its function captured", "[tape]") {
  Tensors inputs{numbers({3}), numbers({3}, 1)};
  auto gradients = grad(
      [](const Tensors& in) {
        Tensor captured = in[1];
        Function f = remat([captured](const Tensors& x) { return Tensors{exp(x[0]) * captured}; });
        return sum(f({in[0]})[0]);
      },
      inputs);
  auto plain = grad([](const Tensors& in) { return sum(exp(in[0]) * in[1]); }, inputs);
  for (size_t i = 0; i < 2; ++i) CHECK(gradients[i].to_vector<double>() == plain[i].to_vector<double>());
}

TEST_CASE("remat can be differentiated twice", "[tape]") {
  Function f = remat([](const Tensors& in) { return Tensors{tanh(in[0]) * in[0]}; });
  GradcheckResult result = gradcheck(f, {numbers({5})}, {.second_order = true});
  INFO(result.message);
  CHECK(result.passed);
}

TEST_CASE("NaN mode names the op and its inputs' ranges", "[tape]") {
  NanMode guard;
  CHECK_THROWS_WITH(log(Tensor(-1.0)), Contains("log") && Contains("has NaN") && Contains("-1.0"));
  CHECK_NOTHROW(log(Tensor(1.0)));
}

TEST_CASE("errors say what was expected and what came", "[tape]") {
  CHECK_THROWS_AS(grad([](const Tensor& x) { return x * 2.0; }, numbers({3})), ShapeError);
  CHECK_THROWS_AS(watch(Tensor(3)), DTypeError);
  CHECK_THROWS_AS(numbers({3}) + numbers({3}).to("reference"), DeviceError);
}

TEST_CASE("two threads differentiate side by side", "[tape][threads][host]") {
  auto work = [](double phase, double& result) {
    Tensor x = numbers({31, 31}, phase);
    for (int i = 0; i < 20; ++i)
      result = sum(grad([&](const Tensor& y) { return sum(square(matmul(y, y))); }, x)).item();
  };
  double alone[2], together[2];
  work(0, alone[0]);
  work(1, alone[1]);
  std::thread first([&] { work(0, together[0]); }), second([&] { work(1, together[1]); });
  first.join();
  second.join();
  CHECK(alone[0] == together[0]);
  CHECK(alone[1] == together[1]);
}

TEST_CASE("gradients have the same bits at any number of threads", "[tape][threads]") {
  Tensors inputs{numbers({67, 129}), numbers({129, 257}, 1)};
  std::vector<double> first;
  for (int threads : {1, 2, 4}) {
    set_num_threads(threads);
    Tensor gradient = grad([](const Tensors& in) { return sum(square(gelu(matmul(in[0], in[1])))); }, inputs)[0];
    if (first.empty()) first = gradient.to_vector<double>();
    CHECK(gradient.to_vector<double>() == first);
  }
}
