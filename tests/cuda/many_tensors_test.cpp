// Ops on many tensors, or over many rows, at sizes that take several tables, parts or blocks.

#include <catch2/catch.hpp>

#include <weft/autograd/ops/batch_norm.hpp>
#include <weft/autograd/ops/cross_entropy.hpp>
#include <weft/autograd/ops/global_norm.hpp>
#include <weft/autograd/ops/norm.hpp>
#include <weft/autograd/ops/optimizer_update.hpp>
#include <weft/autograd/ops/parameter_average.hpp>
#include <weft/autograd/ops/random.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/tests/cuda/compare.hpp>
#include <weft/tests/support/op_samples.hpp>

using namespace weft;
using namespace weft::testing;

namespace {

Tensor numbers(const Shape& shape, uint64_t key) { return uniform(shape, RandomKey{key}); }

/// More tensors than a table holds, one longer than a block's share, one empty.
Tensors many(uint64_t key) {
  Tensors tensors;
  for (uint64_t i = 0; i < 211; ++i)
    tensors.push_back(numbers({i == 7 ? 9001 : static_cast<int64_t>(i % 5)}, key * 1000 + i));
  return tensors;
}

Tensors joined(Tensors first, const Tensors& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

template <class Op> void check_on_grid(const Op& op, const Tensors& inputs, double tolerance) {
  Tensors moved;
  for (const Tensor& input : inputs) moved.push_back(input.to(test::grid_device()));
  check_near(apply_all(op, moved), apply_all(op, inputs), tolerance);
}

}  // namespace

TEST_CASE("cuda kernels take more tensors than a table holds", "[cuda]") {
  check_on_grid(op::GlobalNorm{}, many(1), 1e-6);
  check_on_grid(op::ParameterAverage{.step_size = 0.3}, joined(many(1), many(2)), 1e-6);
  op::OptimizerUpdate adam;
  adam.direction = {.rule = op::UpdateRule::adam, .b1 = 0.9, .b2 = 0.99, .eps = 1e-8};
  const Tensors inputs =
      joined(joined({Tensor::from(std::vector<int64_t>{3}, {})}, joined(many(1), many(2))), joined(many(3), many(4)));
  check_on_grid(adam, inputs, 1e-5);
}

TEST_CASE("cuda norms sum over many rows in parts", "[cuda]") {
  const Tensor x = numbers({1009, 7}, 1), d_y = numbers({1009, 7}, 2), vector = numbers({7}, 3);
  check_on_grid(op::BatchNorm{.has_scale = true}, {x, vector}, 1e-5);
  check_on_grid(op::LayerNormGrad{.forward = {.has_scale = true, .has_bias = true}}, {d_y, x, vector}, 1e-3);
}

TEST_CASE("cuda cross-entropy takes rows longer than a block", "[cuda]") {
  const Tensor logits = numbers({3, 1031}, 1), labels = Tensor::from(std::vector<int32_t>{0, 1030, 517}, {3});
  for (double smoothing : {0.0, 0.1}) {
    check_on_grid(op::SoftmaxCrossEntropy{smoothing}, {logits, labels}, 1e-5);
    check_on_grid(op::SoftmaxCrossEntropyGrad{smoothing}, {logits, labels, numbers({3}, 2)}, 1e-5);
  }
}
