#include <catch2/catch.hpp>

#include <weft/autograd/gradcheck.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/conv.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/parallel.hpp>
#include <weft/tests/support/close.hpp>

using namespace weft;
using namespace weft::testing;

TEST_CASE("a convolution by hand", "[conv]") {
  Tensor x = Tensor::from<double>({1, 2, 3, 4}, {1, 4, 1}), k = Tensor::from<double>({1, 10, 100}, {3, 1, 1});
  auto y = [&](const ConvArguments& arguments) { return reshape(conv(x, k, arguments), {-1}); };
  check_values(y({.padding = PaddingRule::valid}), {2}, {321, 432});
  check_values(y({.padding = PaddingRule::same}), {4}, {210, 321, 432, 43});
  check_values(y({.padding = PaddingRule::causal}), {4}, {100, 210, 321, 432});
  check_values(y({.padding = PaddingRule::circular}), {4}, {214, 321, 432, 143});
  check_values(y({.padding = PaddingRule::reflect}), {4}, {212, 321, 432, 343});
  check_values(y({.padding = 2}), {6}, {100, 210, 321, 432, 43, 4});
  check_values(y({.padding = {{0, 1}}}), {3}, {321, 432, 43});
  check_values(y({.strides = {2}, .padding = PaddingRule::same}), {2}, {321, 43});
  check_values(y({.padding = PaddingRule::valid, .input_dilation = {2}}), {5}, {201, 20, 302, 30, 403});
  check_values(y({.padding = PaddingRule::causal, .kernel_dilation = {2}}), {4}, {100, 200, 310, 420});
  check_values(y({.padding = {{-1, 0}}}), {1}, {432});
}

TEST_CASE("any number of batch axes, and groups that do not see each other", "[conv]") {
  Tensor x = spread({2, 3, 5, 7, 4}, -1, 1), k = spread({3, 2, 2, 6}, -1, 1, 1);
  Tensor y = conv(x, k, {.strides = {2, 1}, .groups = 2});
  CHECK(y.shape() == Shape{2, 3, 3, 7, 6});
  check_close(conv(x[{1, 2}], k, {.strides = {2, 1}, .groups = 2}), y[{1, 2}], 1e-14);
  Tensor left = conv(slice_axis(x, -1, 0, 2), slice_axis(k, -1, 0, 3), {.strides = {2, 1}});
  Tensor right = conv(slice_axis(x, -1, 2, 4), slice_axis(k, -1, 3, 6), {.strides = {2, 1}});
  check_close(slice_axis(y, -1, 0, 3), left, 1e-14);
  check_close(slice_axis(y, -1, 3, 6), right, 1e-14);
}

TEST_CASE("convolutions on cpu are those of the reference, with their gradients", "[conv]") {
  struct Case {
    Shape x, kernel;
    ConvArguments arguments;
  };
  const std::vector<Case> cases{{{2, 17, 19, 3}, {3, 3, 3, 32}, {}},
                                {{2, 17, 19, 32}, {3, 3, 32, 37}, {.strides = {2, 2}}},
                                {{3, 11, 5}, {5, 5, 7}, {.padding = PaddingRule::causal, .kernel_dilation = {2}}},
                                {{2, 13, 11, 8}, {3, 3, 1, 8}, {.groups = 8}},
                                {{2, 13, 11, 8}, {1, 1, 8, 16}, {}},
                                {{2, 13, 11, 8}, {1, 1, 8, 16}, {.strides = {3, 2}}},
                                {{2, 7, 7, 6}, {3, 3, 2, 9}, {.padding = PaddingRule::circular, .groups = 3}},
                                {{1, 5, 7, 6, 3}, {3, 2, 3, 3, 5}, {.strides = {1, 2, 1}}},
                                {{2, 7, 5, 3}, {3, 3, 3, 4}, {.padding = PaddingRule::valid, .input_dilation = {3, 2}}},
                                {{2, 4, 4, 3}, {5, 5, 3, 2}, {.padding = PaddingRule::valid}},
                                {{1, 41, 37, 16}, {7, 7, 16, 24}, {.strides = {2, 2}, .padding = 3}},
                                {{0, 5, 5, 3}, {3, 3, 3, 2}, {}}};
  for (const Case& c : cases) {
    INFO(to_string(c.x) << " with " << to_string(c.kernel));
    Tensor x = spread(c.x, -1, 1), k = spread(c.kernel, -1, 1, 1);
    std::vector<Tensors> results;
    for (const char* device : {"cpu", "reference"}) {
      VjpResult forward = vjp([&](const Tensors& in) { return Tensors{conv(in[0], in[1], c.arguments)}; },
                              {x.to(device), k.to(device)});
      Tensors all = forward.outputs;
      for (const Tensor& gradient : forward.pullback({spread(all[0].shape(), -1, 1, 2).to(device)}))
        all.push_back(gradient);
      results.push_back(all);
    }
    for (size_t i = 0; i < 3; ++i) {
      INFO("result " << i);
      check_close(results[0][i], results[1][i], 1e-12);
    }
  }
}

TEST_CASE("gradients of conv and conv_transpose, first and second", "[conv]") {
  auto check = [](const Function& f, const Tensors& inputs) {
    for (bool second : {false, true}) {
      GradcheckResult result = gradcheck(f, inputs, {.most_elements = 24, .second_order = second});
      INFO(result.message);
      CHECK(result.passed);
    }
  };
  for (PaddingRule rule : {PaddingRule::same, PaddingRule::circular, PaddingRule::reflect})
    check([&](const Tensors& in) { return Tensors{conv(in[0], in[1], {.strides = {2}, .padding = rule})}; },
          {spread({2, 7, 2}, -1, 1), spread({3, 2, 3}, -1, 1, 1)});
  for (PaddingRule rule : {PaddingRule::same, PaddingRule::valid, PaddingRule::circular})
    check(
        [&](const Tensors& in) {
          return Tensors{conv_transpose(in[0], in[1], {.strides = {2, 3}, .padding = rule})};
        },
        {spread({2, 3, 2, 2}, -1, 1), spread({3, 2, 2, 3}, -1, 1, 1)});
}

TEST_CASE("conv_transpose with a transposed kernel is the gradient of conv", "[conv]") {
  for (PaddingRule rule : {PaddingRule::same, PaddingRule::valid}) {
    Tensor kernel = spread({3, 2, 5, 7}, -1, 1), x = spread({2, 6, 8, 5}, -1, 1, 1);
    VjpResult forward = vjp(
        [&](const Tensors& in) {
          return Tensors{conv(in[0], kernel, {.strides = {2, 2}, .padding = rule})};
        },
        {x});
    Tensor cotangent = spread(forward.outputs[0].shape(), -1, 1, 2);
    Tensor transposed =
        conv_transpose(cotangent, kernel, {.strides = {2, 2}, .padding = rule, .transpose_kernel = true});
    Tensor gradient = forward.pullback({cotangent})[0];
    for (int axis : {1, 2}) gradient = slice_axis(gradient, axis, 0, transposed.shape()[axis]);
    check_close(transposed, gradient, 1e-13);
  }
}

TEST_CASE("conv_transpose: sizes of results, and the circular rule wraps the valid one", "[conv]") {
  Tensor x = spread({2, 5, 3}, -1, 1), k = spread({4, 3, 2}, -1, 1, 1);
  CHECK(conv_transpose(x, k, {.strides = {2}}).shape() == Shape{2, 10, 2});
  Tensor valid = conv_transpose(x, k, {.strides = {2}, .padding = PaddingRule::valid});
  CHECK(valid.shape() == Shape{2, 12, 2});
  Tensor circular = conv_transpose(x, k, {.strides = {2}, .padding = PaddingRule::circular});
  CHECK(circular.shape() == Shape{2, 10, 2});
  check_close(sum(circular, 1), sum(valid, 1), 1e-13);
}

TEST_CASE("convolution gives the same bits at any number of threads", "[conv][threads]") {
  const int before = num_threads();
  Tensor x = spread({3, 23, 19, 8}, -1, 1), k = spread({3, 3, 8, 16}, -1, 1, 1);
  std::vector<std::vector<double>> one;
  for (int threads : {1, 2, 4}) {
    set_num_threads(threads);
    VjpResult forward = vjp([](const Tensors& in) { return Tensors{conv(in[0], in[1])}; }, {x, k});
    Tensors results = forward.outputs;
    for (const Tensor& gradient : forward.pullback({spread(results[0].shape(), -1, 1, 2)})) results.push_back(gradient);
    for (size_t i = 0; i < results.size(); ++i) {
      if (threads == 1) one.push_back(numbers(results[i]));
      else CHECK(numbers(results[i]) == one[i]);
    }
  }
  set_num_threads(before);
}

TEST_CASE("bias and relu within a convolution give the bits of the primitives apart", "[conv]") {
  struct Case {
    Shape x, kernel;
    ConvArguments arguments;
  };
  for (const Case& c : std::vector<Case>{{{2, 17, 13, 3}, {3, 3, 3, 23}, {.strides = {2}}},
                                         {{3, 7, 5, 67}, {3, 3, 67, 131}, {}},
                                         {{2, 3, 3, 17}, {3, 3, 17, 5}, {}},
                                         {{2, 11, 13}, {1, 13, 19}, {}},
                                         {{2, 13, 22}, {3, 1, 22}, {.groups = 22}},
                                         {{2, 13, 6}, {3, 2, 9}, {.kernel_dilation = {2}, .groups = 3}},
                                         {{2, 13, 5}, {3, 5, 7}, {.input_dilation = {3}}},
                                         {{0, 13, 5}, {3, 5, 7}, {}}})
    for (DType dtype : {DType::float32, DType::float64}) {
      INFO(to_string(c.x) << " with " << to_string(c.kernel) << ' ' << name_of(dtype));
      Tensor x = cast(spread(c.x, -1, 1), dtype), kernel = cast(spread(c.kernel, -1, 1, 1), dtype),
             bias = cast(spread({c.kernel.back()}, -1, 1, 2), dtype);
      Tensor apart = conv(x, kernel, c.arguments), with_bias = conv(x, kernel, c.arguments, bias);
      CHECK(numbers(with_bias) == numbers(apart + bias));
      const Shape one = Shape::filled(c.kernel.rank() - 2, 1);
      auto or_one = [&](const Shape& given) {
        return given.rank() == one.rank() ? given : Shape::filled(one.rank(), given.rank() ? given[0] : 1);
      };
      PaddingAmounts amounts =
          padding_amounts(c.arguments.padding, c.x.slice(1, c.x.rank() - 1), c.kernel.slice(0, c.kernel.rank() - 2),
                          or_one(c.arguments.strides), or_one(c.arguments.kernel_dilation), "test");
      op::FusedConv fused{{or_one(c.arguments.strides), amounts.low, amounts.high, or_one(c.arguments.input_dilation),
                           or_one(c.arguments.kernel_dilation), c.arguments.groups},
                          true,
                          op::Activation::relu};
      CHECK(numbers(apply(fused, {x, kernel, bias})) == numbers(relu(with_bias)));
      fused.has_bias = false;
      CHECK(numbers(apply(fused, {x, kernel})) == numbers(relu(apart)));
    }
}

TEST_CASE("conv names what does not fit", "[conv]") {
  Tensor x = spread({2, 5, 5, 3}, -1, 1), k = spread({3, 3, 3, 4}, -1, 1);
  check_throws<ShapeError>([&] { conv(x, spread({3, 3, 5, 4}, 0, 1)); }, {"conv", "[2, 5, 5, 3]", "[3, 3, 5, 4]"});
  check_throws<ShapeError>([&] { conv(x, spread({3, 4}, 0, 1)); }, {"conv", "[3, 4]"});
  check_throws<ShapeError>([&] { conv(x, k, {}, spread({3}, 0, 1)); }, {"conv", "bias", "[4]", "[3]"});
  check_throws<ShapeError>([&] { conv(x[{0, 0, 0}], k); }, {"conv", "[3]"});
  check_throws<ShapeError>(
      [&] {
        conv(spread({2, 5, 5, 4}, 0, 1), spread({3, 3, 2, 3}, 0, 1), {.groups = 2});
      },
      {"conv", "2 groups"});
  check_throws<ValueError>([&] { conv(x, k, {.strides = {1, 2, 3}}); }, {"conv", "strides", "[1, 2, 3]"});
  check_throws<ValueError>([&] { conv(x, k, {.strides = {0}}); }, {"conv", "strides", "[0]"});
  check_throws<ValueError>([&] { conv(x, k, {.padding = PaddingRule::causal}); }, {"causal"});
  check_throws<ValueError>([&] { conv(x, k, {.padding = {{1, 1}, {1, 1}, {1, 1}}}); }, {"3 pairs"});
  check_throws<ValueError>([&] { conv(x, k, {.groups = 0}); }, {"group"});
  check_throws<ValueError>([&] { conv_transpose(x, k, {.padding = PaddingRule::causal}); }, {"conv_transpose"});
}
