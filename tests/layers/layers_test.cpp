#include "helpers.hpp"

using namespace weft;
using namespace weft::testing;
using Catch::Matchers::Contains;

TEST_CASE("conv: window, groups, batch axes and mask") {
  Rngs rngs(0);
  Conv layer({.out_features = 1, .kernel_size = {3}, .padding = PaddingRule::valid}, rngs);
  initialize(layer, zeros({5, 1}));
  layer.kernel.set(Tensor::from<float>({1, 10, 100}, {3, 1, 1}));
  layer.bias.set(Tensor::from<float>({0.5}, {1}));
  Tensor x = Tensor::from<float>({1, 2, 3, 4, 5}, {5, 1});
  CHECK(numbers(layer(x)) == std::vector<double>{321.5, 432.5, 543.5});  // not flipped
  CHECK(layer(zeros({2, 7, 5, 1})).shape() == Shape{2, 7, 3, 1});

  Conv same({.in_features = 4, .out_features = 6, .kernel_size = {3, 3}, .strides = {2}, .groups = 2}, rngs);
  CHECK(same.kernel.shape() == Shape{3, 3, 2, 6});
  CHECK(same(wavy({2, 7, 5, 4})).shape() == Shape{2, 4, 3, 6});
  CHECK(error_of<ShapeError>([&] { same(wavy({2, 7, 5, 3})); }) == "expected inputs with 4 features, got [2, 7, 5, 3]");
  CHECK_THROWS_AS(same(wavy({7, 4})), ShapeError);
  CHECK_THROWS_AS(Conv({.in_features = 3, .out_features = 4, .kernel_size = {3}, .groups = 2}, rngs), ValueError);
  CHECK_THROWS_AS(Conv({.in_features = 3, .out_features = 4}, rngs), ValueError);

  Tensor mask = Tensor::from<float>({0, 1, 0}, {3, 1, 1});
  Conv masked({.in_features = 1, .out_features = 1, .kernel_size = {3}, .padding = PaddingRule::causal, .mask = mask},
              rngs);
  masked.kernel.set(Tensor::from<float>({1, 10, 100}, {3, 1, 1}));
  CHECK(numbers(masked(x)) == std::vector<double>{0, 10, 20, 30, 40});
}

TEST_CASE("embed looks rows up, and its transpose gives scores", "[host]") {
  Rngs rngs(0);
  Embed layer({.num_embeddings = 5, .features = 3}, rngs);
  Tensor ids = Tensor::from<int>({4, 0, -1, 2}, {2, 2});
  Tensor y = layer(ids);
  CHECK(y.shape() == Shape{2, 2, 3});
  CHECK(same_bits(y[{0, 0}], y[{1, 0}]));
  CHECK(largest_difference(layer.attend(y), matmul(y, transpose(layer.embedding))) < 1e-6);
  CHECK_THAT(error_of<IndexError>([&] { layer(Tensor::from<int>({5}, {1})); }), Contains("5"));
  CHECK_THAT(error_of<DTypeError>([&] { layer(wavy({2})); }), Contains("float32"));
  CHECK_THAT(error_of<ShapeError>([&] { layer.attend(wavy({2, 4})); }), Contains("3 features"));
  Embed wide({.num_embeddings = 500, .features = 64}, rngs);
  CHECK(stddev(wide.embedding).item() == Approx(1.0 / 8).epsilon(0.03));
}

TEST_CASE("dropout drops in training alone, with a stream of its own") {
  Rngs rngs(0);
  Dropout layer({.rate = 0.25}, rngs);
  Tensor x = ones({101, 97});
  Tensor a = layer(x), b = layer(x);
  CHECK(!same_bits(a, b));
  double kept = sum(not_equal(a, 0)).item() / static_cast<double>(a.elements());
  CHECK(kept == Approx(0.75).epsilon(0.02));
  CHECK(max(a).item<float>() == 1 / 0.75f);
  CHECK(same_bits(layer(x, {1, 2, 3}), layer(x, {1, 2, 3})));
  eval(layer);
  CHECK(layer(x).same_as(x));
  train(layer);
  CHECK(!layer(x).same_as(x));

  Dropout rows({.rate = 0.5, .broadcast_axes = {-1}}, rngs);
  Tensor y = rows(x);
  CHECK(largest_difference(y, broadcast_to(y[{slice(), slice(0, 1)}], {101, 97})) == 0);
  Dropout all({.rate = 1}, rngs);
  CHECK(sum(abs(all(x))).item() == 0);
  CHECK_THROWS_AS(Dropout({.rate = 1.5}, rngs), ValueError);
  CHECK_THROWS_AS(Dropout({.rate = -0.5}, rngs), ValueError);
}

TEST_CASE("layer norm and rms norm") {
  Rngs rngs(0);
  LayerNorm layer({.num_features = 3}, rngs);
  layer.scale.set(Tensor::from<float>({1, 2, 3}, {3}));
  layer.bias.set(Tensor::from<float>({0, 0, 1}, {3}));
  std::vector<double> y = numbers(layer(Tensor::from<float>({1, 2, 3}, {3})));
  double unit = std::sqrt(1.5);
  CHECK(y[0] == Approx(-unit));
  CHECK(y[1] == Approx(0).margin(1e-6));
  CHECK(y[2] == Approx(3 * unit + 1));
  CHECK(error_of<ShapeError>([&] { layer(wavy({5, 4})); }) == "expected inputs with 3 features, got [5, 4]");
  CHECK(layer(zeros({0, 3})).shape() == Shape{0, 3});

  RMSNorm rms({.num_features = 2}, rngs);
  y = numbers(rms(Tensor::from<float>({3, 4}, {2})));
  CHECK(y[0] == Approx(3 / std::sqrt(12.5)));
  CHECK(y[1] == Approx(4 / std::sqrt(12.5)));

  // Masked elements count as if they were not there, and axes may be any.
  Tensor x = wavy({5, 7, 3});
  LayerNorm axes({.reduction_axes = {0, 1}, .feature_axes = {1}}, rngs);
  Tensor full = axes(x);
  CHECK(axes.scale.shape() == Shape{7});
  Tensor wide = concatenate({x, full_like(x, 100.0)}, 0);
  Tensor mask = concatenate({ones({5, 7, 3}, DType::boolean), zeros({5, 7, 3}, DType::boolean)}, 0);
  CHECK(largest_difference(axes(wide, mask)[{slice(0, 5)}], full) < 1e-5);
  CHECK(largest_difference(rms(wavy({5, 2}), ones({5, 2}, DType::boolean)), rms(wavy({5, 2}))) < 1e-6);

  LayerNorm half({.dtype = DType::bfloat16}, rngs);
  CHECK(half(x).dtype() == DType::bfloat16);
}

TEST_CASE("group norm and instance norm") {
  Rngs rngs(0);
  Tensor x = wavy({2, 5, 7, 6});
  GroupNorm groups({.num_groups = 3}, rngs);
  Tensor y = reshape(groups(x), {2, 35, 3, 2});
  CHECK(largest_difference(mean(y, {1, 3}), zeros({2, 3})) < 1e-5);
  CHECK(largest_difference(var(y, {1, 3}), ones({2, 3})) < 1e-3);
  GroupNorm sizes({.group_size = 2}, rngs);
  CHECK(largest_difference(sizes(x), groups(x)) == 0);
  CHECK_THAT(error_of<ShapeError>([&] { GroupNorm({.num_groups = 4}, rngs)(x); }),
             Contains("4") && Contains("[2, 5, 7, 6]"));
  InstanceNorm instance({}, rngs);
  Tensor z = reshape(instance(x), {2, 35, 6});
  CHECK(largest_difference(mean(z, 1), zeros({2, 6})) < 1e-5);
  GroupNorm each({.num_groups = 6}, rngs);
  CHECK(largest_difference(instance(x), each(x)) < 1e-6);
}

TEST_CASE("batch norm keeps running statistics in training alone") {
  Rngs rngs(0);
  BatchNorm layer({.momentum = 0.75}, rngs);
  Tensor x = Tensor::from<float>({1, 2, 3, 6}, {4, 1});
  Tensor y = layer(x);
  CHECK(mean(y).item() == Approx(0).margin(1e-6));
  CHECK(layer.mean.get().item() == Approx(0.25 * 3));
  CHECK(layer.var.get().item() == Approx(0.75 + 0.25 * 3.5));  // biased
  eval(layer);
  Tensor running = layer.mean.get().copy();
  CHECK(numbers(layer(x))[0] == Approx((1 - 0.75) / std::sqrt(1.625 + 1e-5)));
  CHECK(same_bits(layer.mean, running));
  train(layer);

  BatchNorm masked({.num_features = 1}, rngs), plain({.num_features = 1}, rngs);
  Tensor mask = Tensor::from<int>({1, 1, 1, 0}, {4, 1});
  Tensor first = masked(x, cast(mask, DType::boolean)), second = plain(x[{slice(0, 3)}]);
  CHECK(largest_difference(first[{slice(0, 3)}], second) < 1e-6);
  CHECK(same_bits(masked.var, plain.var));

  BatchNorm other_axis({.axis = 1}, rngs);
  CHECK(other_axis(wavy({5, 3, 7})).shape() == Shape{5, 3, 7});
  CHECK(other_axis.mean.shape() == Shape{3});
  CHECK_THROWS_AS(other_axis(wavy({5, 4, 7})), ShapeError);
  // A shape-only run writes nothing.
  Tensor before = plain.mean.get().copy();
  tabulate(plain, x);
  CHECK(same_bits(plain.mean, before));
}

TEST_CASE("pooling layers") {
  Tensor x = Tensor::from<float>({1, 5, 2, 4}, {4, 1});
  CHECK(numbers(MaxPool({.window = {2}, .strides = {2}})(x)) == std::vector<double>{5, 4});
  CHECK(numbers(MinPool({.window = {2}})(x)) == std::vector<double>{1, 2, 2});
  CHECK(numbers(AvgPool({.window = {2}, .strides = {2}})(x)) == std::vector<double>{3, 3});
  CHECK(numbers(AvgPool({.window = {2}, .padding = PaddingRule::same, .count_include_pad = false})(x)) ==
        std::vector<double>{3, 3.5, 3, 4});
  CHECK_THROWS_AS(MaxPool({}), ValueError);
}

TEST_CASE("prelu learns its slope") {
  PReLU layer({.negative_slope_init = 0.25});
  Tensor x = Tensor::from<float>({-2, 3}, {2});
  CHECK(numbers(layer(x)) == std::vector<double>{-0.5, 3});
  CHECK(grad(layer, [&] { return sum(layer(x)); })["negative_slope"].item() == -2);
}

TEST_CASE("sequential runs modules and functions, and is a module") {
  Rngs rngs(0);
  Sequential net(
      Linear({.out_features = 5}, rngs), relu, [](const Tensor& x) { return x * 2; },
      Sequential(Linear({.out_features = 2}, rngs)));
  initialize(net, wavy({3, 7}));
  std::vector<std::string> paths;
  for (const NamedCell& cell : cells(net)) paths.push_back(cell.path);
  CHECK(paths == std::vector<std::string>{"layers.0.kernel", "layers.0.bias", "layers.3.layers.0.kernel",
                                          "layers.3.layers.0.bias"});
  Tensor x = wavy({3, 7});
  const Linear& first = net.layers[0].as<Linear>();
  const Linear& last = net.layers[3].as<Sequential>().layers[0].as<Linear>();
  CHECK(same_bits(net(x), last(relu(first(x)) * 2)));
  Sequential copy = clone(net);
  CHECK(same_bits(copy(x), net(x)));
  CHECK(!(cells(copy)[0].cell == cells(net)[0].cell));
  CHECK(error_of<ShapeError>([&] { net(wavy({3, 6})); }) == "layers.0: expected inputs with 7 features, got [3, 6]");
  CHECK(Sequential()(x).same_as(x));
  Sequential moved = std::move(copy);
  CHECK(same_bits(moved(x), net(x)));
}

TEST_CASE("layers pass gradcheck in float64") {
  Rngs rngs(0);
  constexpr DType f64 = DType::float64;
  auto passes = [](auto& layer, const Tensor& x) {
    GradcheckResult result = check_parameters(layer, [&] { return layer(x); });
    INFO(layer.weft_module_info().name << ": " << result.message);
    CHECK(result.passed);
  };
  Conv conv({.in_features = 2, .out_features = 3, .kernel_size = {3, 2}, .param_dtype = f64}, rngs);
  passes(conv, wavy({2, 5, 3, 2}, 0, f64));
  Embed embed({.num_embeddings = 5, .features = 3, .param_dtype = f64}, rngs);
  passes(embed, Tensor::from<int>({0, 4, 4, -1}, {4}));
  LayerNorm layer_norm({.num_features = 5, .param_dtype = f64}, rngs);
  passes(layer_norm, wavy({3, 5}, 0, f64));
  RMSNorm rms_norm({.num_features = 5, .param_dtype = f64}, rngs);
  passes(rms_norm, wavy({3, 5}, 0, f64));
  GroupNorm group_norm({.num_features = 6, .num_groups = 2, .param_dtype = f64}, rngs);
  passes(group_norm, wavy({3, 5, 6}, 0, f64));
  BatchNorm batch_norm({.num_features = 3, .param_dtype = f64}, rngs);
  passes(batch_norm, wavy({5, 3}, 0, f64));
  LinearGeneral general({.in_features = {3, 5}, .out_features = {2, 2}, .axis = {0, 2}, .param_dtype = f64}, rngs);
  passes(general, wavy({3, 7, 5}, 0, f64));
  PReLU prelu({.param_dtype = f64});
  passes(prelu, wavy({3, 5}, 0, f64));
}
