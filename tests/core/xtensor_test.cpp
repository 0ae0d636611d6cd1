#include <weft/xtensor.hpp>

#include <catch2/catch.hpp>

#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/core/error.hpp>

using namespace weft;

TEST_CASE("an xarray that is given away is adopted without a copy") {
  xt::xarray<float> array{{1, 2, 3}, {4, 5, 6}};
  const float* memory = array.data();
  Tensor x = from_xtensor(std::move(array));
  REQUIRE(x.data<float>() == memory);
  REQUIRE(x.shape() == Shape{2, 3});
  REQUIRE(x.to_vector<float>() == std::vector<float>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("a column-major xarray keeps its layout") {
  xt::xarray<double, xt::layout_type::column_major> array{{1, 2, 3}, {4, 5, 6}};
  Tensor x = from_xtensor(std::move(array));
  REQUIRE(x.strides() == Strides{1, 2});
  REQUIRE(x.to_vector<double>() == std::vector<double>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("an xarray that is kept, or an expression, is copied") {
  const xt::xarray<int32_t> array{{1, 2}, {3, 4}};
  Tensor x = from_xtensor(array);
  REQUIRE(x.data<int32_t>() != array.data());
  REQUIRE(x.to_vector<int32_t>() == std::vector<int32_t>{1, 2, 3, 4});
  REQUIRE(from_xtensor(array * 2 + 1).to_vector<int32_t>() == std::vector<int32_t>{3, 5, 7, 9});
  REQUIRE(from_xtensor(xt::transpose(array)).to_vector<int32_t>() == std::vector<int32_t>{1, 3, 2, 4});
  REQUIRE(from_xtensor(array > 2).dtype() == DType::boolean);
  REQUIRE(from_xtensor(xt::xarray<float>(1.5f)).item() == 1.5);
}

TEST_CASE("borrowed memory is shared both ways") {
  xt::xarray<float> array{{1, 2, 3}, {4, 5, 6}};
  Tensor x = borrow_xtensor(array);
  array(0, 1) = 20;
  REQUIRE(x[{0, 1}].item() == 20);
  x[{1}] = Tensor(7.0f);
  REQUIRE(array(1, 2) == 7);
  auto part = xt::strided_view(array, {xt::all(), xt::range(2, 0, -1)});
  Tensor y = borrow_xtensor(part);
  REQUIRE(y.shape() == Shape{2, 2});
  REQUIRE(y.to_vector<float>() == std::vector<float>{3, 20, 7, 7});
  y[{0}] = Tensor(-1.0f);
  REQUIRE(array(0, 2) == -1);
}

TEST_CASE("a tensor can be looked at through xtensor, whatever its strides") {
  Tensor x = from_xtensor(xt::xarray<float>{{1, 2, 3}, {4, 5, 6}});
  auto view = as_xtensor<float>(x);
  REQUIRE(view(1, 0) == 4);
  REQUIRE(&view(0, 0) == x.data<float>());
  REQUIRE(xt::sum(view)() == 21);
  auto turned = as_xtensor<float>(transpose(x));
  REQUIRE(xt::allclose(turned, xt::transpose(view)));
  auto reversed = as_xtensor<float>(x[{slice({}, {}, -1), slice({}, {}, -2)}]);
  REQUIRE(xt::allclose(reversed, xt::xarray<float>{{6, 4}, {3, 1}}));
  auto repeated = as_xtensor<float>(broadcast_to(x[{0}], {4, 3}));
  REQUIRE(xt::sum(repeated)() == 24);
  REQUIRE(as_xtensor<float>(Tensor(3.0f))() == 3);
  REQUIRE(as_xtensor<float>(Tensor::empty({0, 2})).size() == 0);
  REQUIRE_THROWS_AS(as_xtensor<double>(x), DTypeError);
}

TEST_CASE("a tensor can be written through xtensor") {
  Tensor x = from_xtensor(xt::xarray<float>{{1, 2}, {3, 4}});
  uint32_t version = x.storage()->version();
  auto view = as_mutable_xtensor<float>(x);
  view(0, 1) = 9;
  view *= 2;
  REQUIRE(x.to_vector<float>() == std::vector<float>{2, 18, 6, 8});
  REQUIRE(x.storage()->version() == version + 1);
}

TEST_CASE("to_xtensor copies") {
  Tensor x = from_xtensor(xt::xarray<float>{{1, 2, 3}, {4, 5, 6}});
  xt::xarray<float> copy = to_xtensor<float>(transpose(x).to("reference"));
  bool same = copy == xt::xarray<float>{{1, 4}, {2, 5}, {3, 6}};
  REQUIRE(same);
  REQUIRE(copy.data() != x.data<float>());
}
