#include <catch2/catch.hpp>

#include <weft/autograd/gradcheck.hpp>
#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/matmul.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/core/parallel.hpp>
#include <weft/tests/support/close.hpp>

using namespace weft;
using namespace weft::testing;

namespace {

/// The product by the definition, batch axes broadcast, in double.
Tensor by_definition(const Tensor& a, const Tensor& b) {
  Shape batch = broadcast_shapes(a.shape().slice(0, a.rank() - 2), b.shape().slice(0, b.rank() - 2));
  auto whole = [&](const Tensor& x) {
    Shape shape = batch;
    shape.push_back(x.size(-2));
    shape.push_back(x.size(-1));
    return numbers(broadcast_to(x, shape));
  };
  const std::vector<double> left = whole(a), right = whole(b);
  const auto m = static_cast<size_t>(a.size(-2)), k = static_cast<size_t>(a.size(-1)),
             n = static_cast<size_t>(b.size(-1));
  std::vector<double> out(static_cast<size_t>(batch.elements()) * m * n, 0.0);
  for (size_t e = 0; e < static_cast<size_t>(batch.elements()); ++e)
    for (size_t i = 0; i < m; ++i)
      for (size_t j = 0; j < n; ++j)
        for (size_t l = 0; l < k; ++l)
          out[(e * m + i) * n + j] += left[(e * m + i) * k + l] * right[(e * k + l) * n + j];
  Shape shape = batch;
  shape.push_back(a.size(-2));
  shape.push_back(b.size(-1));
  return Tensor::from(out, shape);
}

}  // namespace

TEST_CASE("matmul follows the definition for every kind of batch", "[matmul]") {
  const std::vector<std::pair<Shape, Shape>> shapes{{{3, 5}, {5, 7}},          {{2, 3, 5}, {5, 7}},
                                                    {{3, 5}, {2, 5, 7}},       {{2, 1, 3, 5}, {3, 5, 2}},
                                                    {{1, 3, 5}, {7, 5, 2}},    {{5, 1, 3, 2}, {5, 3, 2, 2}},
                                                    {{67, 71}, {71, 73}},      {{13, 17, 19}, {13, 19, 23}},
                                                    {{2, 3, 2, 5}, {3, 5, 3}}, {{0, 3}, {3, 5}},
                                                    {{3, 0}, {0, 2}}};
  for (const auto& [a, b] : shapes) {
    INFO(to_string(a) << " x " << to_string(b));
    Tensor left = spread(a, -1, 1), right = spread(b, -1, 1, 1);
    check_close(matmul(left, right), by_definition(left, right), 1e-13);
  }
}

TEST_CASE("matmul reads transposed, broadcast and permuted operands as they are", "[matmul]") {
  Tensor a = spread({7, 3}, -1, 1), b = spread({5, 7}, -1, 1, 1);
  check_close(matmul(transpose(a), transpose(b)), by_definition(transpose(a).copy(), transpose(b).copy()), 1e-14);
  Tensor heads = transpose(spread({2, 5, 3, 4}, -1, 1), {0, 2, 1, 3}),
         keys = transpose(spread({2, 7, 3, 4}, -1, 1), {0, 2, 3, 1});
  check_close(matmul(heads, keys), by_definition(heads.copy(), keys.copy()), 1e-14);
  Tensor same = broadcast_to(spread({3, 4}, -1, 1), {5, 3, 4});
  check_close(matmul(same, keys[{0, 0}]), by_definition(same.copy(), keys[{0, 0}].copy()), 1e-14);
}

TEST_CASE("vectors are rows on the left and columns on the right", "[matmul]") {
  Tensor v = Tensor::from<double>({1, 2, 3}, {3}), m = Tensor::from<double>({1, 0, 2, -1, 3, 1}, {3, 2});
  check_values(matmul(v, v), {}, {14});
  check_values(matmul(v, m), {2}, {14, 1});
  check_values(matmul(transpose(m), v), {2}, {14, 1});
  check_values(matmul(v, broadcast_to(m, {2, 3, 2})), {2, 2}, {14, 1, 14, 1});
  check_values(matmul(broadcast_to(transpose(m), {2, 2, 3}), v), {2, 2}, {14, 1, 14, 1});
}

TEST_CASE("integers multiply, and wrap around", "[matmul]") {
  Tensor big = Tensor::from<int32_t>({2147483647, 2}, {1, 2}), two = Tensor::from<int32_t>({2, 3}, {2, 1});
  Tensor product = matmul(big, two);
  CHECK(product.dtype() == DType::int32);
  CHECK(product.item<int32_t>() == 4);
  CHECK(matmul(Tensor::from<int64_t>({1, 2}, {2}), Tensor::from<int32_t>({3, 4}, {2})).dtype() == DType::int64);
  CHECK(matmul(Tensor::from<int32_t>({1, 2}, {2}), Tensor::from<float>({0.5f, 4}, {2})).item() == 8.5);
}

TEST_CASE("linear is a product and a bias, over any leading axes", "[matmul]") {
  for (const Shape& shape : {Shape{5}, Shape{3, 5}, Shape{2, 3, 5}, Shape{0, 5}, Shape{101, 5}}) {
    Tensor x = spread(shape, -1, 1), kernel = spread({5, 7}, -1, 1, 1), bias = spread({7}, -1, 1, 2);
    Tensor flat = reshape(x, {shape.slice(0, shape.rank() - 1).elements(), 5});
    Tensor expected = by_definition(flat, kernel);
    for (int64_t i = 0; i < expected.elements(); ++i) expected.mutable_data<double>()[i] += bias.data<double>()[i % 7];
    Shape out = shape;
    out[out.rank() - 1] = 7;
    check_close(linear(x, kernel, bias), reshape(expected, out), 1e-14);
  }
  Tensor tied = spread({7, 5}, -1, 1, 3), x = transpose(spread({5, 3}, -1, 1));
  check_close(linear(x, transpose(tied)), by_definition(x.copy(), transpose(tied).copy()), 1e-14);
}

TEST_CASE("gradients of matmul and linear, first and second", "[matmul]") {
  const std::vector<std::pair<Shape, Shape>> shapes{
      {{3, 5}, {5, 2}}, {{2, 3, 5}, {5, 2}}, {{3, 5}, {2, 5, 2}},      {{5}, {5, 2}},
      {{3, 5}, {5}},    {{5}, {5}},          {{2, 1, 3, 2}, {3, 2, 2}}};
  for (const auto& [a, b] : shapes) {
    INFO(to_string(a) << " x " << to_string(b));
    auto f = [](const Tensors& in) { return Tensors{matmul(in[0], in[1])}; };
    for (bool second : {false, true}) {
      GradcheckResult result = gradcheck(f, {spread(a, -1, 1), spread(b, -1, 1, 1)}, {.second_order = second});
      INFO(result.message);
      CHECK(result.passed);
    }
  }
  auto f = [](const Tensors& in) { return Tensors{linear(in[0], in[1], in[2])}; };
  GradcheckResult result = gradcheck(f, {spread({2, 3, 5}, -1, 1), spread({5, 2}, -1, 1, 1), spread({2}, -1, 1, 2)});
  INFO(result.message);
  CHECK(result.passed);
}

TEST_CASE("a fused product has the bits of its parts", "[matmul]") {
  using enum op::Activation;
  auto single = [](const Shape& shape, int salt) {
    Tensor x = Tensor::empty(shape);
    copy_elements(spread(shape, -1, 1, salt), x);
    return x;
  };
  Tensor across = transpose(single({71, 89}, 0)), heads = transpose(single({2, 37, 3, 20}, 4), {0, 2, 1, 3});
  const std::vector<std::pair<Tensor, Tensor>> operands{{single({1, 53}, 0), single({53, 67}, 1)},
                                                        {across, transpose(single({131, 71}, 1))},
                                                        {single({5, 7, 311}, 0), single({311, 43}, 1)},
                                                        {single({131, 300}, 0), single({300, 601}, 1)},
                                                        {single({97, 61}, 0), single({61, 1}, 1)},
                                                        {heads, single({20, 19}, 1)},
                                                        {heads, single({2, 3, 20, 41}, 1)}};
  for (const auto& [a, b] : operands)
    for (op::Activation activation : {none, relu, gelu_tanh, gelu_erf, silu, sigmoid, tanh})
      for (int parts = 0; parts < 8; ++parts) {
        INFO(to_string(a.shape()) << " x " << to_string(b.shape()) << " activation " << int(activation) << " parts "
                                  << parts);
        const bool has_bias = parts & 1, has_residual = parts & 2, keeps_product = parts & 4;
        Tensor product = b.rank() == 2 ? linear(a, b) : matmul(a, b);
        Tensors inputs{a, b};
        if (has_bias) {
          Tensor bias = single({b.size(-1)}, 2);
          inputs.push_back(bias);
          if (b.rank() == 2) {
            Tensor with_bias = linear(a, b, bias);
            CHECK(with_bias.to_vector<float>() == (product + bias).to_vector<float>());
          }
          product = product + bias;
        }
        Tensor expected = product;
        if (activation == relu) expected = weft::relu(product);
        if (activation == gelu_tanh) expected = gelu(product);
        if (activation == gelu_erf) expected = gelu(product, false);
        if (activation == silu) expected = weft::silu(product);
        if (activation == sigmoid) expected = weft::sigmoid(product);
        if (activation == tanh) expected = weft::tanh(product);
        if (has_residual) {
          inputs.push_back(single(product.shape(), 3));
          expected = expected + inputs.back();
        }
        Tensors got = apply_all(op::FusedMatmul{has_bias, has_residual, activation, keeps_product}, inputs);
        REQUIRE(got.size() == (keeps_product ? 2u : 1u));
        CHECK(got[0].to_vector<float>() == expected.to_vector<float>());
        if (keeps_product) CHECK(got[1].to_vector<float>() == product.to_vector<float>());
      }
}

TEST_CASE("matmul gives the same bits at any number of threads", "[matmul][threads]") {
  const int before = num_threads();
  Tensor a = Tensor::empty({211, 307}), b = Tensor::empty({307, 193});
  copy_elements(spread({211, 307}, -1, 1), a);
  copy_elements(spread({307, 193}, -1, 1, 1), b);
  set_num_threads(1);
  const std::vector<float> one = matmul(a, b).to_vector<float>();
  for (int threads : {2, 4}) {
    set_num_threads(threads);
    CHECK(matmul(a, b).to_vector<float>() == one);
  }
  set_num_threads(before);
}

TEST_CASE("what does not fit is named with its shapes", "[matmul]") {
  Tensor a = spread({3, 5}, -1, 1), b = spread({7, 2}, -1, 1);
  check_throws<ShapeError>([&] { matmul(a, b); }, {"matmul", "[3, 5]", "[7, 2]"});
  check_throws<ShapeError>([&] { matmul(a, Tensor(2.0)); }, {"matmul", "[]"});
  check_throws<ShapeError>([&] { matmul(spread({2, 3, 5}, 0, 1), spread({4, 5, 2}, 0, 1)); }, {"matmul", "[2]", "[4]"});
  check_throws<ShapeError>([&] { linear(a, b); }, {"linear", "7 features", "[3, 5]"});
  check_throws<ShapeError>(
      [&] {
        linear(a, spread({5, 2}, 0, 1), spread({3}, 0, 1));
      },
      {"linear", "bias", "[2]", "[3]"});
  check_throws<ShapeError>(
      [&] {
        apply_all(op::FusedMatmul{true}, {a, spread({5, 2}, 0, 1), spread({3}, 0, 1)});
      },
      {"bias", "[2]", "[3]"});
  check_throws<ShapeError>(
      [&] {
        apply_all(op::FusedMatmul{false, true}, {a, spread({5, 2}, 0, 1), a});
      },
      {"fused_matmul", "[3, 2]", "[3, 5]"});
  check_throws<ShapeError>([&] { linear(a, spread({5, 2, 2}, 0, 1)); }, {"linear", "kernel", "[5, 2, 2]"});
}
