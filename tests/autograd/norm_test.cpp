#include <catch2/catch.hpp>

#include <weft/autograd/gradcheck.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/norm.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/parallel.hpp>
#include <weft/tests/support/close.hpp>

using namespace weft;
using namespace weft::testing;

TEST_CASE("layer_norm by hand", "[norm]") {
  Tensor x = Tensor::from<double>({1, 3, 5, 2, 2, 2}, {2, 3});
  const double s = std::sqrt(8.0 / 3 + 1e-6);
  check_values(layer_norm(x), {2, 3}, {-2 / s, 0, 2 / s, 0, 0, 0}, 1e-14);
  Tensor scale = Tensor::from<double>({1, 2, 3}, {3}), bias = Tensor::from<double>({10, 20, 30}, {3});
  check_values(layer_norm(x, scale, bias), {2, 3}, {10 - 2 / s, 20, 30 + 6 / s, 10, 20, 30}, 1e-14);
  const double r = std::sqrt(35.0 / 3 + 1e-6), q = std::sqrt(4 + 1e-6);
  check_values(rms_norm(x, scale), {2, 3}, {1 / r, 6 / r, 15 / r, 2 / q, 4 / q, 6 / q}, 1e-14);
  check_values(layer_norm(x, Tensor(), Tensor(), 1.0, {0}), {2, 3},
               {-0.5 / std::sqrt(1.25), 0.5 / std::sqrt(1.25), 1.5 / std::sqrt(3.25), 0.5 / std::sqrt(1.25),
                -0.5 / std::sqrt(1.25), -1.5 / std::sqrt(3.25)},
               1e-14);
}

TEST_CASE("the fused norms are the composed ones, at every width", "[norm]") {
  for (int64_t n : {1, 2, 3, 7, 8, 15, 16, 17, 31, 64, 129, 1000})
    for (DType dtype : {DType::float64, DType::float32}) {
      INFO(n << ", " << name_of(dtype));
      Tensor x = cast(spread({5, n}, -2, 3), dtype), scale = cast(spread({n}, 0.5, 2, 1), dtype),
             bias = cast(spread({n}, -1, 1, 2), dtype);
      const double tolerance = dtype == DType::float64 ? 1e-12 : 1e-5;
      Moments m = moments(x, {-1});
      check_close(layer_norm(x, scale, bias), normalize(x, m.mean, m.variance, scale, bias, 1e-6), tolerance);
      check_close(rms_norm(x, scale), x * rsqrt(mean(square(x), -1, true) + 1e-6) * scale, tolerance);
    }
}

TEST_CASE("the variance is exact where the mean is large", "[norm]") {
  Tensor small = spread({3, 37}, -1, 1), large = cast(add(small, 1000.0), DType::float32);
  Tensor expected = layer_norm(cast(large, DType::float64));
  check_close(layer_norm(large), expected, 2e-6);
}

TEST_CASE("gradients of the norms, first and second", "[norm]") {
  auto check = [](const char* name, const Function& f, const Tensors& inputs) {
    for (bool second : {false, true}) {
      GradcheckResult result = gradcheck(f, inputs, {.most_elements = 24, .second_order = second});
      INFO(name << ": " << result.message);
      CHECK(result.passed);
    }
  };
  Tensor x = spread({2, 3, 6}, -2, 3), scale = spread({6}, 0.5, 2, 1), bias = spread({6}, -1, 1, 2);
  check("layer_norm", [](const Tensors& in) { return Tensors{layer_norm(in[0], in[1], in[2])}; }, {x, scale, bias});
  check("layer_norm, bias alone", [](const Tensors& in) { return Tensors{layer_norm(in[0], Tensor(), in[1])}; },
        {x, bias});
  check("layer_norm over two axes",
        [](const Tensors& in) {
          return Tensors{layer_norm(in[0], in[1], in[2], 1e-6, {1, 2})};
        },
        {x, scale, bias});
  check("rms_norm", [](const Tensors& in) { return Tensors{rms_norm(in[0], in[1])}; }, {x, scale});
  check("group_norm", [](const Tensors& in) { return Tensors{group_norm(in[0], 2, in[1], in[2])}; }, {x, scale, bias});
}

TEST_CASE("group_norm is layer_norm within each group, over all but the first axis", "[norm]") {
  Tensor x = spread({2, 5, 6}, -2, 3);
  Tensor groups = reshape(transpose(reshape(x, {2, 5, 3, 2}), {0, 2, 1, 3}), {6, 10});
  Tensor expected = reshape(transpose(reshape(layer_norm(groups), {2, 3, 5, 2}), {0, 2, 1, 3}), {2, 5, 6});
  check_close(group_norm(x, 3), expected, 1e-13);
  check_throws<ShapeError>([&] { group_norm(x, 4); }, {"group_norm", "4 groups", "[2, 5, 6]"});
}

TEST_CASE("moments count only where they are told to", "[norm]") {
  Tensor x = Tensor::from<double>({1, 100, 3, 5}, {4, 1});
  Tensor valid = cast(Tensor::from<int32_t>({1, 0, 1, 1}, {4, 1}), DType::boolean);
  Moments m = moments(x, {0}, valid);
  check_values(m.mean, {1, 1}, {3}, 1e-14);
  check_values(m.variance, {1, 1}, {8.0 / 3}, 1e-14);
}

TEST_CASE("layer_norm's gradients have the same bits at any number of threads", "[norm][threads]") {
  const int before = num_threads();
  Tensor x = cast(spread({977, 61}, -2, 3), DType::float32), scale = cast(spread({61}, 0.5, 2, 1), DType::float32),
         bias = cast(spread({61}, -1, 1, 2), DType::float32);
  std::vector<std::vector<double>> one;
  for (int threads : {1, 2, 4}) {
    set_num_threads(threads);
    VjpResult forward =
        vjp([](const Tensors& in) { return Tensors{layer_norm(in[0], in[1], in[2])}; }, {x, scale, bias});
    Tensors gradients = forward.pullback({cast(spread({977, 61}, -1, 1, 3), DType::float32)});
    for (size_t i = 0; i < gradients.size(); ++i) {
      if (threads == 1) one.push_back(numbers(gradients[i]));
      else CHECK(numbers(gradients[i]) == one[i]);
    }
  }
  set_num_threads(before);
}

TEST_CASE("norms name what does not fit", "[norm]") {
  Tensor x = spread({2, 5}, -1, 1);
  check_throws<ShapeError>([&] { layer_norm(x, spread({3}, 0, 1)); }, {"layer_norm", "[2, 5]", "[3]"});
  check_throws<ShapeError>([&] { rms_norm(x, spread({4}, 0, 1)); }, {"rms_norm", "[2, 5]", "[4]"});
  check_throws<ShapeError>([&] { layer_norm(x, Tensor(), Tensor(), 1e-6, {2}); }, {"layer_norm", "axis 2"});
}
