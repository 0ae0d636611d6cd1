// What the kernels for rows promise beyond agreeing with the reference: bits, edges, and shapes that fill no block.

#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/cross_entropy.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/norm.hpp>
#include <weft/autograd/ops/scatter.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/parallel.hpp>
#include <weft/tests/backends/isa_helpers.hpp>
#include <weft/tests/support/same_bits.hpp>

using namespace weft;
using namespace weft::testing;

namespace {

Tensor wave(const Shape& shape, double phase = 0) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(3 * std::sin(0.37 * static_cast<double>(i) + phase));
  return Tensor::from(values, shape);
}

}  // namespace

TEST_CASE("add_layer_norm has the bits of both ops one after the other", "[rows]") {
  test::for_each_isa([](const std::string& isa) {
    INFO(isa);
    for (Shape shape : {Shape{1, 3}, Shape{7, 67}, Shape{131, 257}, Shape{5, 2311}}) {
      Tensor x = wave(shape), residual = wave(shape, 1), scale = wave({shape[1]}, 2), bias = wave({shape[1]}, 3);
      Normalized both = add_layer_norm(x, residual, scale, bias);
      CHECK(same_bits(both.sum, x + residual));
      CHECK(same_bits(both.normal, layer_norm(x + residual, scale, bias)));
    }
  });
}

TEST_CASE("a row's norm does not depend on the rows beside it or on threads", "[rows]") {
  test::for_each_isa([](const std::string& isa) {
    INFO(isa);
    Tensor x = wave({67, 257}), d_y = wave({67, 257}, 1), scale = wave({257}, 2);
    const op::LayerNormGrad op{{1e-6, true, true, true}};
    const int before = num_threads();
    set_num_threads(1);
    Tensors one = apply_all(op, {d_y, x, scale});
    set_num_threads(4);
    Tensors four = apply_all(op, {d_y, x, scale});
    set_num_threads(before);
    for (size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], four[i]));
    Tensor all = layer_norm(x, scale);
    for (int64_t row : {0, 41, 66}) CHECK(same_bits(all[row], layer_norm(x[row], scale)));
  });
}

TEST_CASE("the loss of a label out of range is NaN, and so is its gradient", "[rows]") {
  test::for_each_isa([](const std::string& isa) {
    INFO(isa);
    Tensor logits = wave({3, 5}), labels = Tensor::from(std::vector<int32_t>{4, 5, -1}, {3});
    auto loss = apply(op::SoftmaxCrossEntropy{}, {logits, labels}).to_vector<float>();
    CHECK(std::isfinite(loss[0]));
    CHECK(std::isnan(loss[1]));
    CHECK(std::isnan(loss[2]));
    auto grad = apply(op::SoftmaxCrossEntropyGrad{}, {logits, labels, wave({3}, 1)}).to_vector<float>();
    for (size_t i = 0; i < 15; ++i) CHECK(std::isnan(grad[i]) == (i >= 5));
  });
}

TEST_CASE("the loss of a long row survives -inf, and maxima that come late", "[rows]") {
  test::for_each_isa([](const std::string& isa) {
    INFO(isa);
    // Longer than a block of the single pass, with nothing in the first one.
    std::vector<float> values(9001, -INFINITY);
    values[5000] = 10;
    values[9000] = 1000;
    Tensor logits = Tensor::from(values, {1, 9001});
    auto loss = [&](int32_t label) {
      return apply(op::SoftmaxCrossEntropy{}, {logits, Tensor::from(std::vector<int32_t>{label}, {1})}).item<float>();
    };
    CHECK(loss(9000) == 0);
    CHECK(loss(5000) == 990);
    CHECK(std::isinf(loss(0)));
  });
}

TEST_CASE("transposed copies move every element", "[rows]") {
  test::for_each_isa([](const std::string& isa) {
    INFO(isa);
    for (Shape shape : {Shape{67, 131}, Shape{4, 257}, Shape{300, 5}}) {
      Tensor x = wave(shape), y = copy(swapaxes(x, 0, 1));
      auto from = x.to_vector<float>(), to = y.to_vector<float>();
      bool equal = true;
      for (int64_t i = 0; i < shape[0]; ++i)
        for (int64_t j = 0; j < shape[1]; ++j)
          equal = equal && from[static_cast<size_t>(i * shape[1] + j)] == to[static_cast<size_t>(j * shape[0] + i)];
      CHECK(equal);
    }
    Tensor images = wave({3, 19, 23, 37});
    CHECK(same_bits(moveaxis(copy(moveaxis(images, 3, 1)), 1, 3), images));
    CHECK(same_bits(moveaxis(copy(moveaxis(cast(images, DType::float64), 3, 1)), 1, 3), cast(images, DType::float64)));
  });
}

TEST_CASE("operands that repeat themselves are laid out right in every task", "[rows]") {
  for (int64_t n : {1, 7, 24, 131, 509, 600}) {
    const int64_t rows = 70001 / n;
    Tensor x = wave({rows, n}), bias = wave({n}, 1);
    CHECK(same_bits(x + bias, x + copy(broadcast_to(bias, {rows, n}))));
  }
}

TEST_CASE("shared scatters add in index order at any number of threads", "[rows]") {
  std::vector<int32_t> places(3001);
  for (size_t i = 0; i < places.size(); ++i) places[i] = static_cast<int32_t>(i * i % 97);
  Tensor indices = Tensor::from(places, {3001}), updates = wave({3001, 67}), x = wave({101, 67}, 1);
  auto sums = x.to_vector<float>(), rows = updates.to_vector<float>();
  for (size_t i = 0; i < places.size(); ++i)
    for (size_t j = 0; j < 67; ++j) sums[static_cast<size_t>(places[i]) * 67 + j] += rows[i * 67 + j];
  CHECK(same_bits(apply(op::Scatter{0, ScatterKind::add}, {x, indices, updates}), Tensor::from(sums, {101, 67})));
}

TEST_CASE("vector functions are exact to a few units on every instruction set", "[rows]") {
  struct Function {
    const char* name;
    Tensor (*f)(const Tensor&);
    double (*exact)(double);
    double low, high;
  };
  const Function functions[] = {
      {"sin", [](const Tensor& x) { return sin(x); }, [](double x) { return std::sin(x); }, -9000, 9000},
      {"cos", [](const Tensor& x) { return cos(x); }, [](double x) { return std::cos(x); }, -2e5, 2e5},
      {"tan", [](const Tensor& x) { return tan(x); }, [](double x) { return std::tan(x); }, -50, 50},
      {"log", [](const Tensor& x) { return log(x); }, [](double x) { return std::log(x); }, 1e-3, 30},
      {"log1p", [](const Tensor& x) { return log1p(x); }, [](double x) { return std::log1p(x); }, -0.99, 9},
      {"erfc", [](const Tensor& x) { return erfc(x); }, [](double x) { return std::erfc(x); }, -4, 4},
      {"power", [](const Tensor& x) { return power(x, 2.7); }, [](double x) { return std::pow(x, 2.7f); }, 0.01, 90}};
  test::for_each_isa([&](const std::string& isa) {
    INFO(isa);
    for (const Function& function : functions) {
      std::vector<float> x(5003);
      for (size_t i = 0; i < x.size(); ++i)
        x[i] = static_cast<float>(function.low + (function.high - function.low) * static_cast<double>(i) / 5003);
      auto y = function.f(Tensor::from(x, {5003})).to_vector<float>();
      double worst = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const double exact = function.exact(x[i]);
        worst = std::max(worst, std::abs(y[i] - exact) / std::max(std::abs(exact), 1e-30));
      }
      INFO(function.name);
      CHECK(worst < 2e-6);
    }
    const float edges[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1e-42f, -1.0f};
    auto logs = log(Tensor::from(std::vector<float>(edges, edges + 7), {7})).to_vector<float>();
    CHECK((logs[0] == -INFINITY && logs[1] == -INFINITY && logs[2] == INFINITY));
    CHECK((std::isnan(logs[3]) && std::isnan(logs[4]) && std::isnan(logs[6])));
    CHECK(logs[5] == Approx(std::log(1e-42f)));
    auto sines = sin(Tensor::from(std::vector<float>(edges, edges + 7), {7})).to_vector<float>();
    CHECK((sines[0] == 0 && std::signbit(sines[1]) && std::isnan(sines[2]) && std::isnan(sines[4])));
  });
}
