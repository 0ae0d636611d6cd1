#include <cmath>

#include <catch2/catch.hpp>

#include <weft/weft.hpp>

using namespace weft;

namespace {

Tensor numbers(const std::vector<double>& values, const Shape& shape) { return Tensor::from(values, shape); }

}  // namespace

TEST_CASE("the focal loss of a heat map, by hand", "[losses]") {
  Tensor logits = numbers({0.3, -1.2, 2.0, -0.4}, {2, 2}), heat = numbers({1, 0.6, 0, 1}, {2, 2});
  auto p = [](double x) { return 1 / (1 + std::exp(-x)); };
  double hits = -std::pow(1 - p(0.3), 2) * std::log(p(0.3)) - std::pow(1 - p(-0.4), 2) * std::log(p(-0.4));
  double misses =
      -std::pow(0.4, 4) * std::pow(p(-1.2), 2) * std::log(1 - p(-1.2)) - std::pow(p(2.0), 2) * std::log(1 - p(2.0));
  CHECK(centernet_focal_loss(logits, heat).item() == Approx((hits + misses) / 2));
  CHECK(centernet_focal_loss(logits, zeros_like(heat)).item() > 0);  // no peak: divided by 1
}

TEST_CASE("the focal loss is finite for any logit", "[losses]") {
  Tensor logits = Tensor::from(std::vector<float>{1e4f, -1e4f, 1e4f, -1e4f}, {4});
  Tensor heat = Tensor::from(std::vector<float>{1, 1, 0, 0}, {4});
  CHECK(centernet_focal_loss(logits, heat).item() == Approx(1e4));
  Tensor slope = grad([&](const Tensor& x) { return centernet_focal_loss(x, heat); }, logits);
  for (float value : slope.to_vector<float>()) CHECK(std::isfinite(value));
}

TEST_CASE("soft Dice, by hand", "[losses]") {
  Tensor chances = numbers({0.9, 0.1, 0.2, 0.8, 0.5, 0.5}, {3, 2}), truth = numbers({1, 0, 0, 1, 1, 0}, {3, 2});
  double first = (2 * 1.4 + 1) / (1.6 + 2 + 1), second = (2 * 0.8 + 1) / (1.4 + 1 + 1);
  CHECK(soft_dice_loss(chances, truth).item() == Approx(1 - (first + second) / 2));
  // Only the second row counts.
  double a = 1 / (0.2 + 1), b = (2 * 0.8 + 1) / (0.8 + 1 + 1);
  CHECK(soft_dice_loss(chances, truth, {.mask = numbers({0, 1, 0}, {3, 1})}).item() == Approx(1 - (a + b) / 2));
  CHECK(soft_dice_loss(truth, truth).item() == 0);
}

TEST_CASE("a masked L1 loss sees nothing of what is left out", "[losses]") {
  Tensor got = numbers({1, 2, std::nan(""), 4}, {2, 2}), wanted = numbers({0, 4, 0, 4.5}, {2, 2});
  CHECK(masked_l1_loss(got, wanted, numbers({1, 1, 0, 1}, {2, 2})).item() == Approx(3.5 / 3));
  CHECK(masked_l1_loss(got, wanted, zeros({2, 1})).item() == 0);
  Tensor slope = grad([&](const Tensor& x) { return masked_l1_loss(x, wanted, numbers({1, 1, 0, 1}, {2, 2})); }, got);
  CHECK(slope.to_vector<double>()[2] == 0);
  CHECK_THROWS_AS(masked_l1_loss(got, zeros({2}), zeros({2, 2})), ShapeError);
  CHECK_THROWS_AS(masked_l1_loss(got, wanted, zeros({3, 2, 2})), ShapeError);
}

TEST_CASE("losses over maps agree with central differences and with their plans", "[losses]") {
  Tensor logits = numbers({0.3, -1.2, 2.0, -0.4, 0.7, -0.1}, {3, 2}), truth = numbers({1, 0, 0.3, 1, 0.8, 0}, {3, 2});
  auto check = [&](auto loss) {
    GradcheckResult result =
        gradcheck([&](const Tensors& inputs) { return Tensors{loss(inputs[0])}; }, {logits}, {.second_order = true});
    INFO(result.message);
    CHECK(result.passed);
    auto step = jit([&](const Tensor& x) { return grad([&](const Tensor& y) { return loss(y); }, x); });
    Tensor eager = grad([&](const Tensor& y) { return loss(y); }, logits);
    for (int i = 0; i < 2; ++i) CHECK(step(logits).template to_vector<double>() == eager.to_vector<double>());
  };
  check([&](const Tensor& x) { return centernet_focal_loss(x, truth); });
  check([&](const Tensor& x) { return soft_dice_loss(sigmoid(x), truth, {.mask = numbers({1, 0, 1}, {3, 1})}); });
}
