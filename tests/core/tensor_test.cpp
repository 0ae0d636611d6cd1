#include <weft/core/tensor.hpp>

#include <numeric>

#include <catch2/catch.hpp>

#include <weft/autograd/ops/slice.hpp>
#include <weft/core/error.hpp>
#include <weft/core/strided_loop.hpp>

using namespace weft;
using Catch::Contains;

namespace {

Tensor counting(const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  std::iota(values.begin(), values.end(), 0.0f);
  return Tensor::from(values, shape);
}

}  // namespace

TEST_CASE("a tensor knows its shape, strides and type") {
  Tensor x = counting({2, 3, 5});
  REQUIRE(x.shape() == Shape{2, 3, 5});
  REQUIRE(x.strides() == Strides{15, 5, 1});
  REQUIRE(x.dtype() == DType::float32);
  REQUIRE(x.elements() == 30);
  REQUIRE(x.bytes() == 120);
  REQUIRE(x.rank() == 3);
  REQUIRE(x.size(-1) == 5);
  REQUIRE(x.is_contiguous());
  REQUIRE(reinterpret_cast<uintptr_t>(x.data<float>()) % 64 == 0);
  REQUIRE(to_string(x.spec()) == "float32[2, 3, 5]");
}

TEST_CASE("scalars have the dtype of their C++ type and no axes") {
  REQUIRE(Tensor(1.5f).spec() == Spec{{}, DType::float32});
  REQUIRE(Tensor(1.5).spec() == Spec{{}, DType::float64});
  REQUIRE(Tensor(3).spec() == Spec{{}, DType::int32});
  REQUIRE(Tensor(int64_t{3}).spec() == Spec{{}, DType::int64});
  REQUIRE(Tensor(true).spec() == Spec{{}, DType::boolean});
  REQUIRE(Tensor(-7).item<int>() == -7);
  REQUIRE(Tensor(0.25).item() == 0.25);
  REQUIRE(Tensor(true).item<float>() == 1.0f);
}

TEST_CASE("copying a handle shares, copy() does not") {
  Tensor x = counting({7}), same = x, other = x.copy();
  same.mutable_data<float>()[3] = 100;
  REQUIRE(x.data<float>()[3] == 100);
  REQUIRE(other.data<float>()[3] == 3);
  REQUIRE(x.same_as(same));
  REQUIRE_FALSE(x.same_as(other));
}

TEST_CASE("views share storage and keep it alive") {
  Tensor view;
  {
    Tensor x = counting({3, 5});
    view = x[{slice(), slice(4, {}, -2)}];
    REQUIRE(view.storage() == x.storage());
  }
  REQUIRE(view.shape() == Shape{3, 3});
  REQUIRE(view.strides() == Strides{5, -2});
  REQUIRE_FALSE(view.is_contiguous());
  REQUIRE(view.to_vector<float>() == std::vector<float>{4, 2, 0, 9, 7, 5, 14, 12, 10});
  REQUIRE(view.contiguous().is_contiguous());
  REQUIRE(view.contiguous().to_vector<float>() == view.to_vector<float>());
  REQUIRE(view[{1, 2}].item() == 5);
}

TEST_CASE("a view is written into by assignment, a name is not") {
  Tensor x = counting({3, 5});
  Tensor row = x[1];
  x[{0}] = Tensor::from(std::vector<float>{50, 51, 52, 53, 54}, {5});
  x[{slice(1, {}), 4}] = Tensor(-1.0f);
  REQUIRE(x.to_vector<float>() == std::vector<float>{50, 51, 52, 53, 54, 5, 6, 7, 8, -1, 10, 11, 12, 13, -1});
  row = Tensor(9.0f);  // makes the name stand for another tensor
  REQUIRE(x[{1, 0}].item() == 5);
  REQUIRE(row.rank() == 0);
}

TEST_CASE("assignment broadcasts, converts, and may overlap") {
  Tensor x = Tensor::empty({2, 3}, DType::int32);
  x.assign(Tensor::from(std::vector<double>{1.9, -2.9, 3.5}, {3}));
  REQUIRE(x.to_vector<int32_t>() == std::vector<int32_t>{1, -2, 3, 1, -2, 3});
  Tensor line = counting({5});
  line[{slice(1, {})}] = line[{slice({}, 4)}];
  REQUIRE(line.to_vector<float>() == std::vector<float>{0, 0, 1, 2, 3});
  line.assign(line[{slice({}, {}, -1)}]);
  REQUIRE(line.to_vector<float>() == std::vector<float>{3, 2, 1, 0, 0});
  Tensor column = Tensor::from(std::vector<float>{7, 8}, {2, 1});
  Tensor wide = counting({2, 3});
  wide.assign(column);
  REQUIRE(wide.to_vector<float>() == std::vector<float>{7, 7, 7, 8, 8, 8});
  REQUIRE_THROWS_AS(column.assign(wide), ShapeError);
  REQUIRE_THROWS_WITH(column.assign(counting({5})), Contains("assign") && Contains("[2, 1]") && Contains("[5]"));
}

TEST_CASE("in-place changes are counted") {
  Tensor x = counting({4});
  uint32_t before = x.storage()->version();
  x[{slice(0, 2)}] = Tensor(1.0f);
  REQUIRE(x.storage()->version() == before + 1);
  x.mutable_data<float>();
  REQUIRE(x.storage()->version() == before + 2);
  static_cast<void>(x.data<float>());
  REQUIRE(x.storage()->version() == before + 2);
}

TEST_CASE("tensors move between devices") {
  Tensor x = counting({3, 5});
  REQUIRE(x.to("cpu").storage() == x.storage());
  Tensor there = x[{slice(), slice({}, {}, 2)}].to("reference");
  REQUIRE(to_string(there.device()) == "reference");
  REQUIRE(there.to_vector<float>() == std::vector<float>{0, 2, 4, 5, 7, 9, 10, 12, 14});
  REQUIRE(there.to("cpu").to_vector<float>() == there.to_vector<float>());
}

TEST_CASE("zero-sized tensors are tensors") {
  Tensor x = Tensor::empty({3, 0, 5});
  REQUIRE(x.elements() == 0);
  REQUIRE(x.is_contiguous());
  REQUIRE_FALSE(x.is_meta());
  REQUIRE(x.copy().shape() == x.shape());
  REQUIRE(x.to_vector<float>().empty());
  x.assign(Tensor(1.0f));
  REQUIRE(to_string(Tensor::empty({0})) == "[]");
}

TEST_CASE("memory can be adopted with strides of its own, and is given back once") {
  std::vector<float> memory{0, 1, 2, 3, 4, 5};
  int released = 0;
  {
    Tensor x = Tensor::adopt(memory.data(), {3, 2}, {1, 3}, DType::float32, [&] { ++released; });
    REQUIRE_FALSE(x.is_contiguous());
    REQUIRE(x.to_vector<float>() == std::vector<float>{0, 3, 1, 4, 2, 5});
    Tensor view = x[1];
    x = Tensor();
    REQUIRE(released == 0);
    view.assign(Tensor(9.0f));
  }
  REQUIRE(released == 1);
  REQUIRE(memory == std::vector<float>{0, 9, 2, 3, 9, 5});
}

TEST_CASE("misused tensors say what is wrong") {
  Tensor x = counting({2, 3}), nothing;
  REQUIRE_FALSE(nothing.defined());
  REQUIRE_THROWS_AS(nothing.shape(), StateError);
  REQUIRE_THROWS_WITH(x.data<double>(), Contains("expected float32, got float64"));
  REQUIRE_THROWS_AS(x.to_vector<int32_t>(), DTypeError);
  REQUIRE_THROWS_WITH(x.item(), Contains("[2, 3]"));
  REQUIRE_THROWS_AS(x.size(2), ShapeError);
  REQUIRE_THROWS_AS(x.size(-3), ShapeError);
  REQUIRE_THROWS_WITH(Tensor::from(std::vector<float>(5), {2, 3}), Contains("6") && Contains("5"));
  REQUIRE_THROWS_AS(Tensor::empty({2, -1}), ShapeError);
  REQUIRE_THROWS_AS(Tensor::empty({int64_t{1} << 40, int64_t{1} << 40}), ShapeError);
  REQUIRE_THROWS_AS(Tensor::empty({int64_t{1} << 62}), MemoryError);
  REQUIRE_THROWS_AS(Tensor::empty({1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
}

TEST_CASE("a shape without data has no values") {
  Tensor x = Tensor::meta({2, 3}, DType::float64);
  REQUIRE(x.is_meta());
  REQUIRE(x.spec() == Spec{{2, 3}, DType::float64});
  REQUIRE_THROWS_AS(x.data<double>(), StateError);
  REQUIRE_THROWS_AS(Tensor::meta(Shape{}).item(), StateError);
  REQUIRE_THROWS_AS(x.to_vector<double>(), StateError);
  REQUIRE_THROWS_AS(x.assign(Tensor(1.0)), StateError);
}

TEST_CASE("booleans go in and out of vectors") {
  Tensor x = Tensor::from(std::vector<bool>{true, false, true}, {3});
  REQUIRE(x.dtype() == DType::boolean);
  REQUIRE(x.to_vector<bool>() == std::vector<bool>{true, false, true});
}

TEST_CASE("copies of turned tensors hold the right elements") {
  // Against the definition, for shapes around the tiles of the copy, and with a conversion.
  for (Shape shape : {Shape{3, 5}, Shape{16, 16}, Shape{37, 53}, Shape{2, 17, 33}, Shape{33, 1, 18}, Shape{0, 7}}) {
    Tensor x = counting(shape);
    int last = shape.rank() - 1;
    Shape turned = shape;
    Strides strides = x.strides();
    std::swap(turned[0], turned[last]);
    std::swap(strides[0], strides[last]);
    Tensor view = x.strided_view(turned, strides, 0), converted = Tensor::empty(turned, DType::int64);
    converted.assign(view);
    std::vector<int64_t> expected;
    strided_rows<1>(turned, {strides}, [&](int64_t count, std::array<int64_t, 1> at, std::array<int64_t, 1> step) {
      for (int64_t i = 0; i < count; ++i) expected.push_back(at[0] + i * step[0]);
    });
    REQUIRE(converted.to_vector<int64_t>() == expected);
    REQUIRE(view.copy().to_vector<float>() == std::vector<float>(expected.begin(), expected.end()));
  }
}
