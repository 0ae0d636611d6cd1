#include "helpers.hpp"

using namespace weft;
using namespace weft::testing;
using Catch::Matchers::Contains;

namespace {

struct Statistics {
  double mean = 0, stddev = 0, low = 1e9, high = -1e9;
};

Statistics statistics(const Tensor& tensor) {
  Statistics s;
  std::vector<double> values = numbers(tensor);
  for (double x : values) s.mean += x, s.low = std::min(s.low, x), s.high = std::max(s.high, x);
  s.mean /= static_cast<double>(values.size());
  for (double x : values) s.stddev += (x - s.mean) * (x - s.mean);
  s.stddev = std::sqrt(s.stddev / static_cast<double>(values.size()));
  return s;
}

const RandomKey key{42, 1, 3};

}  // namespace

TEST_CASE("constants") {
  CHECK(numbers(initializers::zeros()(key, {2})) == std::vector<double>{0, 0});
  CHECK(numbers(initializers::ones()(key, {2}, DType::int32)) == std::vector<double>{1, 1});
  CHECK(numbers(initializers::constant(0.25)(key, {})) == std::vector<double>{0.25});
  CHECK(numbers(initializers::from_tensor(wavy({3}))(key, {3})) == numbers(wavy({3})));
  CHECK_THAT(error_of<ShapeError>([&] { initializers::from_tensor(wavy({3}))(key, {4}); }), Contains("[4]"));
}

TEST_CASE("lecun_normal meets its variance exactly and stays within its bounds") {
  Statistics s = statistics(initializers::lecun_normal()(key, {512, 1024}));
  double sigma = 1 / std::sqrt(512.0);
  CHECK(s.stddev == Approx(sigma).epsilon(0.003));
  CHECK(std::fabs(s.mean) < 0.001);
  CHECK(s.high <= 2 * sigma / 0.87962566103423978);
  CHECK(s.high > 1.99 * sigma / 0.87962566103423978);
  CHECK(s.low >= -2 * sigma / 0.87962566103423978);
}

TEST_CASE("fans are those of the last two axes times the window") {
  auto stddev = [](const Initializer& initializer, const Shape& shape) {
    return statistics(initializer(key, shape)).stddev;
  };
  CHECK(stddev(initializers::lecun_normal(), {3, 3, 64, 96}) == Approx(1 / std::sqrt(9.0 * 64)).epsilon(0.02));
  CHECK(stddev(initializers::he_normal(), {256, 96}) == Approx(std::sqrt(2 / 256.0)).epsilon(0.02));
  CHECK(stddev(initializers::glorot_normal(), {256, 128}) == Approx(std::sqrt(2 / 384.0)).epsilon(0.02));
  CHECK(stddev(initializers::lecun_uniform(), {256, 96}) == Approx(1 / std::sqrt(256.0)).epsilon(0.02));
  CHECK(stddev(initializers::glorot_uniform(), {256, 128}) == Approx(std::sqrt(2 / 384.0)).epsilon(0.02));
  CHECK(stddev(initializers::he_uniform(), {256, 96}) == Approx(std::sqrt(2 / 256.0)).epsilon(0.02));
  using initializers::Distribution, initializers::FanMode;
  CHECK(stddev(initializers::variance_scaling(1, FanMode::out, Distribution::normal), {64, 400}) ==
        Approx(1 / std::sqrt(400.0)).epsilon(0.02));
  CHECK(stddev(initializers::variance_scaling(1, FanMode::geometric_average, Distribution::normal), {100, 400}) ==
        Approx(1 / std::sqrt(200.0)).epsilon(0.02));
  CHECK_THAT(error_of<ShapeError>([&] { initializers::lecun_normal()(key, {7}); }),
             Contains("lecun_normal") && Contains("[7]"));
}

TEST_CASE("plain distributions") {
  Statistics u = statistics(initializers::uniform(0.01)(key, {100000}));
  CHECK(u.low >= 0);
  CHECK(u.high < 0.01);
  CHECK(u.mean == Approx(0.005).epsilon(0.01));
  Statistics n = statistics(initializers::normal(0.5)(key, {100000}));
  CHECK(n.stddev == Approx(0.5).epsilon(0.01));
  CHECK(n.high > 1.75);
  // Without the correction: the standard deviation of a normal cut at two is 0.8796.
  Statistics t = statistics(initializers::truncated_normal(1)(key, {100000}));
  CHECK(t.stddev == Approx(0.87962566).epsilon(0.01));
  CHECK(t.high <= 2);
}

TEST_CASE("orthogonal matrices") {
  for (const Shape& shape : {Shape{7, 3}, Shape{3, 7}, Shape{5, 5}, Shape{2, 3, 5}}) {
    Tensor w = initializers::orthogonal(2)(key, shape, DType::float64);
    Tensor flat = reshape(w, {-1, shape.back()});
    Tensor gram = flat.size(0) >= flat.size(1) ? matmul(transpose(flat), flat) : matmul(flat, transpose(flat));
    CHECK(largest_difference(gram, 4 * eye(gram.size(0), -1, 0, DType::float64)) < 1e-12);
  }
  Tensor delta = initializers::delta_orthogonal()(key, {3, 3, 2, 5}, DType::float64);
  Tensor middle = delta[{1, 1}];
  CHECK(largest_difference(matmul(middle, transpose(middle)), eye(2, -1, 0, DType::float64)) < 1e-12);
  CHECK(sum(abs(delta)).item() == Approx(sum(abs(middle)).item()));
  CHECK_THAT(error_of<ShapeError>([&] { initializers::delta_orthogonal()(key, {3, 5, 2}); }), Contains("[3, 5, 2]"));
}

TEST_CASE("initial values are a function of key and place alone") {
  int before = num_threads();
  Tensor one, four;
  set_num_threads(1);
  one = initializers::lecun_normal()(key, {331, 101});
  set_num_threads(4);
  four = initializers::lecun_normal()(key, {331, 101});
  set_num_threads(before);
  CHECK(same_bits(one, four));
  Tensor shorter = initializers::normal(1)(key, {5});
  Tensor longer = initializers::normal(1)(key, {9});
  CHECK(same_bits(shorter, longer[{slice(0, 5)}]));
  CHECK(!same_bits(shorter, initializers::normal(1)({42, 1, 4}, {5})));
}
