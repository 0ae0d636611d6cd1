#include <cmath>

#include <catch2/catch.hpp>

#include <weft/autograd/gradcheck.hpp>
#include <weft/autograd/ops/batch_norm.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/norm.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/core/parallel.hpp>
#include <weft/tests/support/close.hpp>

using namespace weft;
using namespace weft::testing;

TEST_CASE("batch normalization by hand", "[norm]") {
  Tensor x = Tensor::from<double>({1, 10, 3, 10, 5, 10}, {3, 2});
  BatchNormResult result =
      batch_norm(x, Tensor::from<double>({2, 3}, {2}), Tensor::from<double>({1, -1}, {2}), 1.0 / 3);
  check_values(result.mean, {2}, {3, 10});
  check_values(result.variance, {2}, {8.0 / 3, 0});
  const double step = 2 * 2 / std::sqrt(8.0 / 3 + 1.0 / 3);
  check_values(result.y, {3, 2}, {1 - step, -1, 1, -1, 1 + step, -1});
  check_values(
      feature_norm(x, Tensor::from<double>({1, 2}, {2}), Tensor::from<double>({3, 15}, {2}), Tensor(), Tensor(), 1),
      {3, 2}, {0, 2, 1, 2, 2, 2});
  check_throws<ShapeError>([&] { batch_norm(x, Tensor::from<double>({1, 2, 3}, {3})); }, {"batch_norm", "[2]", "[3]"});
  check_throws<ShapeError>([&] { batch_norm(Tensor::from<double>({1}, {})); }, {"batch_norm", "scalar"});
}

TEST_CASE("batch normalization agrees with the composition, with its gradients", "[norm]") {
  for (const Shape& shape : {Shape{7, 11, 23}, Shape{5003, 3}, Shape{2, 67}, Shape{1, 5}, Shape{311, 131}}) {
    INFO(to_string(shape));
    Tensor x = spread(shape, -3, 5), scale = spread({shape.back()}, 0.5, 2, 1), bias = spread({shape.back()}, -1, 1, 2);
    Shape rows;
    for (int axis = 0; axis + 1 < shape.rank(); ++axis) rows.push_back(axis);
    auto fused = [](const Tensors& in) {
      BatchNormResult result = batch_norm(in[0], in[1], in[2]);
      return Tensors{result.y, result.mean, result.variance};
    };
    auto composed = [&](const Tensors& in) {
      Moments m = moments(in[0], rows);
      return Tensors{normalize(in[0], m.mean, m.variance, in[1], in[2]), sum_to(m.mean, {shape.back()}),
                     sum_to(m.variance, {shape.back()})};
    };
    std::vector<Tensors> results;
    for (const Function& f : {Function(fused), Function(composed)}) {
      VjpResult forward = vjp(f, {x, scale, bias});
      Tensors all;
      for (const Tensor& out : forward.outputs) all.push_back(out.rank() == 1 ? out : sum_to(out, out.shape()));
      all[1] = sum_to(all[1], {shape.back()});
      Tensors cotangents{spread(shape, -1, 1, 3), spread({shape.back()}, -1, 1, 4), spread({shape.back()}, -1, 1, 5)};
      for (const Tensor& gradient : forward.pullback(cotangents)) all.push_back(gradient);
      results.push_back(all);
    }
    for (size_t i = 0; i < results[0].size(); ++i) {
      INFO("result " << i);
      check_close(results[0][i], results[1][i], 1e-10);
    }
  }
}

TEST_CASE("batch statistics keep their digits far from zero", "[norm]") {
  Tensor wide = spread({20011, 5}, 999, 1001), x = cast(wide, DType::float32);
  BatchNormResult got = batch_norm(x), expected = batch_norm(cast(x, DType::float64));
  check_close(got.mean, expected.mean, 5e-7);
  check_close(got.variance, expected.variance, 1e-5);
}

TEST_CASE("batch normalization gives the same bits at any number of threads", "[norm][threads]") {
  const int before = num_threads();
  Tensor x = cast(spread({20011, 37}, -1, 2), DType::float32), scale = cast(spread({37}, 0.5, 2, 1), DType::float32);
  std::vector<std::vector<double>> one;
  for (int threads : {1, 2, 4}) {
    set_num_threads(threads);
    VjpResult forward = vjp(
        [](const Tensors& in) {
          BatchNormResult result = batch_norm(in[0], in[1]);
          return Tensors{result.y, result.mean, result.variance};
        },
        {x, scale});
    Tensors results = forward.outputs;
    for (const Tensor& gradient : forward.pullback(Tensors{x, scale, scale})) results.push_back(gradient);
    for (size_t i = 0; i < results.size(); ++i) {
      if (threads == 1) one.push_back(numbers(results[i]));
      else CHECK(numbers(results[i]) == one[i]);
    }
  }
  set_num_threads(before);
}
