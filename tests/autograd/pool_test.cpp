#include <catch2/catch.hpp>

#include <limits>

#include <weft/autograd/gradcheck.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/pool.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/tests/support/close.hpp>

using namespace weft;
using namespace weft::testing;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity(),
                 not_a_number = std::numeric_limits<double>::quiet_NaN();

Tensor row(const std::vector<double>& values) {
  return Tensor::from(values, {1, static_cast<int64_t>(values.size()), 1});
}

}  // namespace

TEST_CASE("pools by hand", "[pool]") {
  Tensor x = row({3, 1, 4, 1, 5});
  auto flat = [](const Tensor& y) { return reshape(y, {-1}); };
  check_values(flat(max_pool(x, {2})), {4}, {3, 4, 4, 5});
  check_values(flat(max_pool(x, {2}, {2}, PaddingRule::same)), {3}, {3, 4, 5});
  check_values(flat(min_pool(x, {2}, {2}, PaddingRule::same)), {3}, {1, 1, 5});
  check_values(flat(avg_pool(x, {2}, {2}, PaddingRule::same)), {3}, {2, 2.5, 2.5});
  check_values(flat(avg_pool(x, {2}, {2}, PaddingRule::same, false)), {3}, {2, 2.5, 5});
  check_values(flat(max_pool(x, {2}, {3}, {{2, 0}})), {2}, {-infinity, 4});
  check_values(flat(max_pool(row({1, not_a_number, 2}), {2}, {1}, 1)), {4}, {1, not_a_number, not_a_number, 2});
  Tensor whole = max_pool(Tensor::from<int32_t>({3, 1, 4, 1}, {1, 4, 1}), {4});
  CHECK(whole.item<int32_t>() == 4);
  CHECK(max_pool(spread({2, 3, 7, 5, 4}, 0, 1), {2, 3}, {2, 2}).shape() == Shape{2, 3, 3, 2, 4});
  CHECK(max_pool(spread({7, 4}, 0, 1), {2}).shape() == Shape{6, 4});
}

TEST_CASE("a pool's gradient goes to the first of equal elements", "[pool]") {
  auto gradient = [](const Tensor& x, auto&& pool) {
    VjpResult forward = vjp([&](const Tensors& in) { return Tensors{pool(in[0])}; }, {x});
    return reshape(forward.pullback({ones(forward.outputs[0].shape(), DType::float64)})[0], {-1});
  };
  Tensor ties = row({2, 2, 1, 2});
  check_values(gradient(ties, [](const Tensor& x) { return max_pool(x, {2}); }), {4}, {1, 1, 0, 1});
  check_values(gradient(ties, [](const Tensor& x) { return min_pool(x, {4}); }), {4}, {0, 0, 1, 0});
  check_values(gradient(ties, [](const Tensor& x) { return avg_pool(x, {2}, {2}); }), {4}, {0.5, 0.5, 0.5, 0.5});
}

TEST_CASE("pools on cpu are those of the reference", "[pool]") {
  struct Case {
    Shape x, window, strides;
    Padding padding;
  };
  const std::vector<Case> cases{{{3, 11, 67}, {3}, {2}, PaddingRule::same},
                                {{2, 13, 11, 32}, {2, 2}, {2, 2}, PaddingRule::valid},
                                {{2, 13, 11, 5}, {3, 2}, {1, 2}, 1},
                                {{2, 3, 5, 7, 6, 3}, {2, 3, 2}, {1, 2, 1}, PaddingRule::same},
                                {{0, 5, 5, 3}, {2, 2}, {}, PaddingRule::valid},
                                {{1, 2, 3}, {5}, {}, PaddingRule::valid}};
  for (const Case& c : cases) {
    INFO(to_string(c.x) << " by " << to_string(c.window));
    Tensor x = spread(c.x, -1, 1), other = x.to("reference");
    check_close(max_pool(x, c.window, c.strides, c.padding), max_pool(other, c.window, c.strides, c.padding), 0);
    check_close(min_pool(x, c.window, c.strides, c.padding), min_pool(other, c.window, c.strides, c.padding), 0);
    for (bool count : {true, false})
      check_close(avg_pool(x, c.window, c.strides, c.padding, count),
                  avg_pool(other, c.window, c.strides, c.padding, count), 1e-14);
  }
}

TEST_CASE("NaN, ties and infinities in float32 pools are those of the reference", "[pool]") {
  Tensor x = cast(spread_integers({2, 11, 13, 37}, -2, 3, DType::int32), DType::float32);
  std::vector<float> values = x.to_vector<float>();
  for (size_t i = 0; i < values.size(); i += 7) values[i] = static_cast<float>(i % 3 == 0 ? not_a_number : -infinity);
  x = Tensor::from(values, x.shape());
  for (bool minimum : {false, true}) {
    const op::ExtremePool pool{{{3, 2}, {2, 1}, {1, 0}, {1, 1}}, minimum};
    const Tensors got = apply_all(pool, {x}), expected = apply_all(pool, {x.to("reference")});
    check_close(got[0], expected[0], 0);
    check_close(got[1], expected[1], 0);
  }
}

TEST_CASE("gradients of pools, first and second", "[pool]") {
  for (int which = 0; which < 4; ++which) {
    auto f = [&](const Tensors& in) {
      const Tensor x = square(in[0]) + in[0];
      const Shape window{2, 3}, strides{2, 1};
      if (which == 0) return Tensors{max_pool(x, window, strides, PaddingRule::same)};
      if (which == 1) return Tensors{min_pool(x, window, strides, PaddingRule::same)};
      return Tensors{avg_pool(x, window, strides, PaddingRule::same, which == 2)};
    };
    for (bool second : {false, true}) {
      GradcheckResult result =
          gradcheck(f, {spread({2, 5, 4, 3}, 0.1, 2)}, {.most_elements = 30, .second_order = second});
      INFO("pool " << which << ": " << result.message);
      CHECK(result.passed);
    }
  }
}

TEST_CASE("pools name what does not fit", "[pool]") {
  Tensor x = spread({2, 5, 3}, 0, 1);
  check_throws<ShapeError>([&] { max_pool(x, {2, 2, 2}); }, {"max_pool", "[2, 2, 2]", "[2, 5, 3]"});
  check_throws<ShapeError>([&] { max_pool(x, {}); }, {"max_pool"});
  check_throws<ValueError>([&] { min_pool(x, {2}, {1, 1}); }, {"min_pool", "strides"});
  check_throws<ValueError>([&] { avg_pool(x, {0}); }, {"avg_pool", "window"});
  check_throws<ValueError>([&] { avg_pool(x, {2}, {}, PaddingRule::circular); }, {"avg_pool", "padding"});
  check_throws<ValueError>([&] { avg_pool(x, {2}, {}, -1); }, {"avg_pool", "padding"});
}
