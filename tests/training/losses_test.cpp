#include <cmath>

#include <catch2/catch.hpp>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/gradcheck.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/one_hot.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/core/error.hpp>
#include <weft/training/losses.hpp>

using namespace weft;
using Catch::Matchers::Contains;

namespace {

Tensor scores(const Shape& shape) {
  std::vector<double> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = 2 * std::sin(1.3 * static_cast<double>(i));
  return Tensor::from(values, shape);
}

Tensor classes(const std::vector<int32_t>& values) {
  return Tensor::from(values, {static_cast<int64_t>(values.size())});
}

}  // namespace

TEST_CASE("cross-entropy of classes is that of their one-hot probabilities", "[losses]") {
  Tensor logits = scores({5, 7}), labels = classes({0, 6, 3, 3, 1});
  std::vector<double> a = softmax_cross_entropy(logits, labels).to_vector<double>();
  std::vector<double> b = softmax_cross_entropy(logits, one_hot(labels, 7, float64)).to_vector<double>();
  std::vector<double> row = logits.to_vector<double>();
  double total = 0;
  for (int c = 0; c < 7; ++c) total += std::exp(row[static_cast<size_t>(c)]);
  CHECK(a[0] == Approx(std::log(total) - row[0]));
  for (size_t i = 0; i < a.size(); ++i) CHECK(a[i] == Approx(b[i]));
}

TEST_CASE("cross-entropy does not overflow", "[losses]") {
  Tensor logits = Tensor::from(std::vector<float>{1e4f, -1e4f, 0}, {1, 3});
  CHECK(softmax_cross_entropy(logits, classes({0})).item() == 0);
  CHECK(softmax_cross_entropy(logits, classes({1})).item() == Approx(2e4));
}

TEST_CASE("every loss passes gradcheck", "[losses]") {
  Tensor logits = scores({5, 7}), labels = classes({0, 6, 3, 3, 1}), hot = one_hot(labels, 7, float64);
  auto passes = [&](const char* name, auto loss) {
    GradcheckResult result = gradcheck([&](const Tensors& in) { return Tensors{loss(in[0])}; }, {logits});
    INFO(name << ": " << result.message);
    CHECK(result.passed);
  };
  passes("integer", [&](const Tensor& x) { return softmax_cross_entropy(x, labels); });
  passes("smoothed", [&](const Tensor& x) { return softmax_cross_entropy(x, labels, {.label_smoothing = 0.1}); });
  passes("poly", [&](const Tensor& x) { return poly_cross_entropy(x, hot); });
  passes("sigmoid", [&](const Tensor& x) { return sigmoid_binary_cross_entropy(x, hot); });
  passes("focal", [&](const Tensor& x) { return sigmoid_focal_loss(x, hot, 2, 0.25); });
  passes("huber", [&](const Tensor& x) { return huber_loss(x, hot, 0.7); });
  passes("log_cosh", [&](const Tensor& x) { return log_cosh(x, hot); });
  passes("cosine", [&](const Tensor& x) { return cosine_distance(x, hot + 0.3); });
  passes("kl", [&](const Tensor& x) { return kl_divergence(x, hot); });
  passes("multiclass hinge", [&](const Tensor& x) { return multiclass_hinge_loss(x, labels); });
}

TEST_CASE("ignored labels have no loss and no gradient", "[losses]") {
  Tensor logits = scores({3, 4}), labels = classes({2, -1, 0});
  CHECK(softmax_cross_entropy_ignoring(logits, labels, -1).to_vector<double>()[1] == 0);
  auto gradient = grad([&](const Tensor& x) { return sum(softmax_cross_entropy_ignoring(x, labels, -1)); }, logits)
                      .to_vector<double>();
  for (size_t i = 4; i < 8; ++i) CHECK(gradient[i] == 0);
  CHECK(gradient[0] != 0);
}

TEST_CASE("wrong labels are errors that say so", "[losses][host]") {
  Tensor logits = scores({5, 7});
  CHECK_THROWS_WITH(softmax_cross_entropy(logits, classes({0, 1, 2, 3, 7})), Contains("7"));
  CHECK_THROWS_AS(softmax_cross_entropy(logits, classes({0, 1, 2, 3, -1})), IndexError);
  CHECK_THROWS_AS(softmax_cross_entropy(logits, classes({0, 1})), ShapeError);
  CHECK_THROWS_AS(softmax_cross_entropy(logits, scores({5, 6})), ShapeError);
  CHECK_THROWS_AS(huber_loss(scores({3}), scores({1, 3})), ShapeError);
  CHECK_THROWS_WITH(require_finite(Tensor(NAN), 12), Contains("step 12") && Contains("nan"));
  CHECK_NOTHROW(require_finite(Tensor(1.0f), 12));
}
