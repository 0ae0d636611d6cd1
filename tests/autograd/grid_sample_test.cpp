#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/gradcheck.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/grid_sample.hpp>
#include <weft/autograd/ops/resize.hpp>
#include <weft/core/error.hpp>

using namespace weft;

namespace {

/// sin(0.7 i), as in the PyTorch script that gave the expected values.
Tensor waves(const Shape& shape) {
  std::vector<double> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(0.7 * static_cast<double>(i));
  return Tensor::from(values, shape);
}

Tensor some_places() {
  return Tensor::from(std::vector<double>{-1.1, -0.9, -0.31, 0.2, 0.05, -0.4, 0.77, 0.99, 1.3, 0.1, 0.5, 1.6},
                      {1, 6, 2});
}

void check_values(const Tensor& got, const std::vector<double>& expected) {
  std::vector<double> values = got.to_vector<double>();
  REQUIRE(values.size() == expected.size());
  for (size_t i = 0; i < values.size(); ++i) CHECK(values[i] == Approx(expected[i]).epsilon(1e-6).margin(1e-9));
}

}  // namespace

TEST_CASE("grid_sample gives what PyTorch gives", "[grid_sample]") {
  struct Case {
    GridSampleOptions options;
    std::vector<double> expected;  // of F.grid_sample of PyTorch 2.15
  };
  const auto linear = Sampling::bilinear, nearest = Sampling::nearest;
  const auto zeros = GridPadding::zeros, border = GridPadding::border;
  const std::vector<Case> cases{
      {{linear, zeros, true, false},
       {0, 0.1046854, 0.4164637, -0.1201276, -0.06672599, -0.5966455, 0.3015088, 0.4748767, 0, 0, 0, 0}},
      {{linear, zeros, true, true},
       {0.05255893, 0.5428902, 0.282603, -0.2306792, -0.1709167, -0.677704, 0.08481423, 0.5544677, 0.03938284,
        0.2807558, -0.2419331, 0.02016908}},
      {{linear, border, true, false},
       {0, 0.6442177, 0.4164637, -0.1201276, -0.06672599, -0.5966455, 0.5854539, 0.9220906, 0.1308741, 0.7180493,
        -0.2831337, 0.2860086}},
      {{linear, border, true, true},
       {0.06569866, 0.6786127, 0.282603, -0.2306792, -0.1709167, -0.677704, 0.08481423, 0.5544677, 0.0984571, 0.7018894,
        -0.6048328, 0.05042269}},
      {{nearest, zeros, true, false},
       {0, 0, 0.8545989, 0.3190984, 0.3349882, -0.3507832, 0.6819636, 0.9927664, 0, 0, 0, 0}},
      {{nearest, border, true, true},
       {0, 0.6442177, 0.8545989, 0.3190984, -0.3664791, -0.8796958, 0.6819636, 0.9927664, 0.03362305, 0.6695698,
        -0.6048328, 0.05042269}},
  };
  for (const Case& each : cases)
    check_values(grid_sample(waves({1, 3, 5, 2}), some_places(), each.options), each.expected);
}

TEST_CASE("grid_sample at a cell's centre is the cell", "[grid_sample]") {
  Tensor features = waves({2, 3, 5, 7});
  std::vector<double> at;
  for (int b = 0; b < 2; ++b)
    for (int y = 0; y < 3; ++y)
      for (int x = 0; x < 5; ++x) at.insert(at.end(), {static_cast<double>(x), static_cast<double>(y)});
  Tensor places = Tensor::from(at, {2, 3, 5, 2});
  Tensor read = grid_sample(features, places, {.normalized = false});
  CHECK(read.shape() == Shape{2, 3, 5, 7});
  CHECK(read.to_vector<double>() == features.to_vector<double>());
}

TEST_CASE("grid_sample has gradients of both inputs, twice", "[grid_sample][gradient]") {
  for (GridPadding padding : {GridPadding::zeros, GridPadding::border}) {
    auto read = [&](const Tensors& inputs) { return Tensors{grid_sample(inputs[0], inputs[1], {.padding = padding})}; };
    GradcheckResult first = gradcheck(read, {waves({1, 3, 5, 2}), some_places()});
    INFO(first.message);
    CHECK(first.passed);
    GradcheckResult second = gradcheck(read, {waves({1, 3, 5, 2}), some_places()}, {.second_order = true});
    INFO(second.message);
    CHECK(second.passed);
  }
}

TEST_CASE("grid_sample reads nothing at a place that is no number or very far away", "[grid_sample]") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), far = 1e30;
  Tensor features = waves({1, 5, 7, 3});
  Tensor places = Tensor::from(std::vector<double>{nan, 0.1, 0.1, nan, far, 0.1, 0.1, -far}, {1, 4, 2});
  GridSampleOptions options;
  options.sampling = GENERATE(Sampling::bilinear, Sampling::nearest);
  for (double value : grid_sample(features, places, options).to_vector<double>()) CHECK(value == 0);
  options.padding = GridPadding::border;
  std::vector<double> border = grid_sample(features, places, options).to_vector<double>();
  Tensor edges = Tensor::from(std::vector<double>{1.0, 0.1, 0.1, -1.0}, {1, 2, 2});
  std::vector<double> expected = grid_sample(features, edges, options).to_vector<double>();
  for (size_t i = 0; i < border.size(); ++i) CHECK(border[i] == (i < 6 ? 0 : expected[i - 6]));
}

TEST_CASE("grid_sample says what does not fit", "[grid_sample]") {
  CHECK_THROWS_WITH(grid_sample(waves({3, 5, 2}), some_places()),
                    "grid_sample: expected features [B, H, W, C], got [3, 5, 2]");
  CHECK_THROWS_WITH(grid_sample(waves({2, 3, 5, 2}), some_places()),
                    "grid_sample: expected places [2, ..., 2], got [1, 6, 2]");
  CHECK(grid_sample(waves({1, 3, 5, 2}), Tensor::from(std::vector<double>{}, {1, 0, 2})).shape() == Shape{1, 0, 2});
}

TEST_CASE("resize gives what PyTorch gives", "[resize]") {
  Tensor x = waves({1, 3, 5, 2});
  Tensor first = Tensor::from(
      [&] {
        std::vector<double> all = x.to_vector<double>(), channel;
        for (size_t i = 0; i < all.size(); i += 2) channel.push_back(all[i]);
        return channel;
      }(),
      {1, 3, 5, 1});
  check_values(resize(first, {2, 3}), {0.4270768, 0.1596213, -0.6095216, 0.7517976, -0.7572951, 0.1137793});
  check_values(resize(first, {2, 3}, Sampling::nearest), {0, 0.3349882, -0.6312666, 0.9906074, -0.887567, 0.6819636});
  check_values(
      resize(first, {5, 7}),
      {0,         0.5631141,  0.7996036,  0.3349882,   -0.5268432, -0.7685861, -0.6312666,  0.2627946,  0.6458316,
       0.6820499, 0.05440124, -0.6377543, -0.6791998,  -0.3653108, 0.6569866,  0.7699079,   0.5057195,  -0.3664791,
       -0.804121, -0.5451203, 0.03362305, 0.8571591,   0.6666171,  0.1800413,  -0.6791319,  -0.7330168, -0.2500573,
       0.4226274, 0.9906074,  0.5977565,  -0.03707747, -0.887567,  -0.685614,  -0.05334863, 0.6819636});
}

TEST_CASE("resize is exact to the last digits of float64, and refuses to interpolate integers", "[resize]") {
  Tensor x = Tensor::from(std::vector<double>{0, 1, 2}, {1, 3, 1});
  CHECK(resize(x, {1, 7}).to_vector<double>()[2] == Approx(2.5 * 3 / 7 - 0.5).epsilon(1e-14));
  CHECK_THROWS_AS(resize(cast(x, DType::int32), {1, 7}), DTypeError);
  CHECK(grid_sample(zeros({1, 3, 5, 0}), zeros({1, 4, 2})).shape() == Shape{1, 4, 0});
}

TEST_CASE("resize by a whole factor repeats, and its gradient adds up", "[resize]") {
  Tensor x = waves({2, 3, 5, 2});
  Tensor wide = resize(x, {6, 15}, Sampling::nearest);
  CHECK(wide.shape() == Shape{2, 6, 15, 2});
  std::vector<double> from = x.to_vector<double>(), to = wide.to_vector<double>();
  for (size_t y = 0; y < 6; ++y)
    for (size_t i = 0; i < 15; ++i) CHECK(to[(y * 15 + i) * 2 + 1] == from[(y / 2 * 5 + i / 3) * 2 + 1]);
  for (Sampling sampling : {Sampling::nearest, Sampling::bilinear})
    for (std::array<int64_t, 2> size : {std::array<int64_t, 2>{6, 15}, {2, 7}}) {
      GradcheckResult result =
          gradcheck([&](const Tensors& inputs) { return Tensors{resize(inputs[0], size, sampling)}; }, {x});
      INFO(result.message);
      CHECK(result.passed);
    }
  CHECK_THROWS_WITH(resize(x, {0, 3}), "resize: expected a size of at least 1 x 1, got 0 x 3");
}
