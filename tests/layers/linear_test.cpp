#include "helpers.hpp"

using namespace weft;
using namespace weft::testing;
using Catch::Matchers::Contains;

TEST_CASE("linear is a product and a sum") {
  Rngs rngs(0);
  Linear layer({.in_features = 3, .out_features = 2}, rngs);
  layer.kernel.set(Tensor::from<float>({1, 2, 3, 4, 5, 6}, {3, 2}));
  layer.bias.set(Tensor::from<float>({10, 20}, {2}));
  CHECK(numbers(layer(Tensor::from<float>({1, 0, 2}, {3}))) == std::vector<double>{21, 34});
  CHECK(layer(zeros({5, 0, 3})).shape() == Shape{5, 0, 2});
  CHECK(error_of<ShapeError>([&] { layer(zeros({5, 2})); }) == "expected inputs with 3 features, got [5, 2]");
  CHECK_THROWS_AS(layer(Tensor(1.0f)), ShapeError);
  CHECK_THROWS_AS(Linear({.out_features = 0}, rngs), ValueError);
  CHECK_THROWS_AS(Linear({.in_features = 0, .out_features = 2}, rngs), ValueError);
  CHECK_THROWS_AS(Linear({}, rngs), ValueError);
}

TEST_CASE("types of a linear layer") {
  Rngs rngs(0);
  Linear layer({.in_features = 3, .out_features = 2, .use_bias = false}, rngs);
  CHECK(!layer.bias);
  CHECK(layer(ones({5, 3}, DType::int32)).dtype() == DType::float32);
  CHECK(layer(ones({5, 3}, DType::float64)).dtype() == DType::float64);
  Linear half({.in_features = 3, .out_features = 2, .dtype = DType::bfloat16}, rngs);
  CHECK(half.kernel.dtype() == DType::float32);
  CHECK(half(ones({5, 3})).dtype() == DType::bfloat16);
  Linear stored({.in_features = 3, .out_features = 2, .param_dtype = DType::float16}, rngs);
  CHECK(stored.kernel.dtype() == DType::float16);
  CHECK(stored(ones({5, 3}, DType::float16)).dtype() == DType::float16);
}

TEST_CASE("linear_general contracts any axes") {
  Rngs rngs(0);
  LinearGeneral layer({.in_features = {3, 5}, .out_features = {2, 7}, .axis = {0, -1}}, rngs);
  layer.bias.set(wavy({2, 7}, 1));
  Tensor x = wavy({3, 11, 5});
  Tensor expected = einsum("iaj,ijop->aop", x, layer.kernel.get()) + layer.bias;
  CHECK(largest_difference(layer(x), expected) < 1e-5);
  // In the order of `axis`.
  LinearGeneral swapped({.in_features = {5, 3}, .out_features = {2, 7}, .axis = {-1, 0}, .use_bias = false}, rngs);
  CHECK(largest_difference(swapped(x), einsum("iaj,jiop->aop", x, swapped.kernel.get())) < 1e-5);
  CHECK_THAT(error_of<ShapeError>([&] { layer(wavy({5, 11, 3})); }), Contains("[3, 5]") && Contains("[5, 11, 3]"));
}

TEST_CASE("linear_general with a kernel for each batch entry") {
  Rngs rngs(0);
  LinearGeneral layer({.out_features = {7}, .axis = {-1}, .batch_axis = {0}}, rngs);
  Tensor x = wavy({3, 11, 5});
  Tensor y = layer(x);
  CHECK(layer.kernel.shape() == Shape{3, 5, 7});
  CHECK(layer.bias.shape() == Shape{3, 7});
  layer.bias.set(wavy({3, 7}, 1));
  Tensor expected = matmul(x, layer.kernel.get()) + expand_dims(layer.bias, 1);
  CHECK(largest_difference(layer(x), expected) < 1e-5);
  CHECK_THROWS_AS(LinearGeneral({.out_features = {7}, .batch_axis = {1}}, rngs), ValueError);
  CHECK_THROWS_AS(LinearGeneral({.in_features = {3}, .out_features = {7}, .axis = {-2, -1}}, rngs), ValueError);
}

TEST_CASE("linear_general initializes as the flat matrix of the contraction") {
  Rngs a(5), b(5);
  LinearGeneral general({.in_features = {6}, .out_features = {4, 2}}, a);
  Linear flat({.in_features = 6, .out_features = 8}, b);
  CHECK(same_bits(reshape(general.kernel, {6, 8}), flat.kernel));
}
