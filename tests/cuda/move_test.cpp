// Kernels of the cuda backend that move elements: every width, alignment and size that takes another way.

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/gather.hpp>
#include <weft/autograd/ops/join.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/one_hot.hpp>
#include <weft/autograd/ops/pad.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/ops/triangle.hpp>
#include <weft/tests/cuda/compare.hpp>

using namespace weft;
using namespace weft::test;

namespace {

const DType types[] = {DType::float32, DType::float64, DType::bfloat16, DType::float16,
                       DType::int32,   DType::int64,   DType::boolean};

}  // namespace

TEST_CASE("cuda fills and copies runs of any length and alignment", "[cuda]") {
  const Device grid = test::grid_device();
  for (DType dtype : types)
    for (int64_t n : {0, 1, 3, 15, 16, 17, 1000003}) {
      Tensor ones = full({n}, 1, dtype, grid);
      CHECK(same_bits(ones, full({n}, 1, dtype, Device())));
      Tensor x = wave({n + 8}, dtype);
      for (int64_t first : {0, 1, 2, 4, 8})
        CHECK(same_bits(on_grid(x).strided_view({n}, {1}, first).copy(), x.strided_view({n}, {1}, first).copy()));
    }
}

TEST_CASE("cuda copies views of any strides", "[cuda]") {
  Tensor x = wave({24, 32, 48});
  auto check = [&](const Shape& shape, const Strides& strides, int64_t offset) {
    CHECK(same_bits(on_grid(x).strided_view(shape, strides, offset).copy(),
                    x.strided_view(shape, strides, offset).copy()));
  };
  check({24, 32, 16}, {32 * 48, 48, 1}, 4);  // rows of 16-byte units
  check({24, 32, 16}, {32 * 48, 48, 1}, 2);  // of 8-byte ones
  check({24, 32, 15}, {32 * 48, 48, 1}, 0);
  check({48, 32, 24}, {1, 48, 32 * 48}, 0);
  check({24, 32, 48}, {-32 * 48, -48, -1}, 24 * 32 * 48 - 1);
  check({5, 32, 48}, {0, 48, 1}, 0);
}

TEST_CASE("cuda joins, updates and pads as the cpu does", "[cuda]") {
  for (DType dtype : types) {
    Tensor a = wave({5, 64, 16}, dtype), b = wave({5, 32, 16}, dtype, 1), c = wave({5, 64, 3}, dtype, 2);
    CHECK(same_bits(concatenate({on_grid(a), on_grid(b)}, 1), concatenate({a, b}, 1)));
    CHECK(same_bits(concatenate({on_grid(a), on_grid(c)}, 2), concatenate({a, c}, 2)));
    CHECK(same_bits(concatenate({swapaxes(on_grid(a), 0, 2), swapaxes(on_grid(b), 0, 2)}, 1),
                    concatenate({swapaxes(a, 0, 2), swapaxes(b, 0, 2)}, 1)));
    Tensor update = wave({3, 16, 16}, dtype, 3);
    const std::vector<Index> part{slice(4, 1, -1), slice(1, 33, 2)};
    CHECK(same_bits(slice_update(on_grid(a), on_grid(update), part), slice_update(a, update, part)));
    const std::vector<PadWidth> sides{{0, 0}, {2, 3}, {0, 0}}, inside{{1, 0}, {0, 0}, {5, 1}};
    CHECK(same_bits(pad(on_grid(a), sides, 1), pad(a, sides, 1)));
    CHECK(same_bits(pad(on_grid(a), inside), pad(a, inside)));
    CHECK(same_bits(pad(swapaxes(on_grid(a), 0, 2), inside), pad(swapaxes(a, 0, 2), inside)));
    CHECK(same_bits(pad_interior(on_grid(a), {0, 1, 0}, {2, 0, 0}, {0, 2, 3}, 1),
                    pad_interior(a, {0, 1, 0}, {2, 0, 0}, {0, 2, 3}, 1)));
  }
}

TEST_CASE("cuda gathers rows and elements as the cpu does", "[cuda]") {
  for (DType dtype : types) {
    Tensor ids = places({7, 211}, 101);
    for (int64_t features : {1, 3, 8, 64, 257}) {
      Tensor table = wave({101, features}, dtype);
      CHECK(same_bits(take(on_grid(table), on_grid(ids), 0), take(table, ids, 0)));
      Tensor far = (ids - 50) * 3;
      for (OutOfRange mode : {OutOfRange::fill, OutOfRange::clip, OutOfRange::wrap})
        CHECK(same_bits(take(on_grid(table), on_grid(far), 0, mode, 1), take(table, far, 0, mode, 1)));
    }
    Tensor x = wave({3, 101, 17}, dtype), which = places({3, 29, 17}, 101);
    CHECK(same_bits(take(on_grid(x), on_grid(ids), 1), take(x, ids, 1)));
    CHECK(same_bits(take_along_axis(on_grid(x), on_grid(which), 1), take_along_axis(x, which, 1)));
  }
}

TEST_CASE("cuda makes one-hot rows, triangles and ranges as the cpu does", "[cuda]") {
  const Device grid = test::grid_device();
  for (DType dtype : types) {
    Tensor ids = places({7, 211}, 103);  // two classes too many
    for (int axis : {0, 1, 2})
      CHECK(same_bits(one_hot(on_grid(ids), 101, dtype, axis), one_hot(ids, 101, dtype, axis)));
    Tensor x = wave({3, 101, 67}, dtype);
    for (int64_t k : {-90, -3, 0, 5, 80}) {
      CHECK(same_bits(tril(on_grid(x), k), tril(x, k)));
      CHECK(same_bits(triu(on_grid(x), k), triu(x, k)));
    }
  }
  CHECK(same_bits(arange(-0.7, 90000, 0.1, DType::float32, grid), arange(-0.7, 90000, 0.1, DType::float32, {})));
  CHECK(
      same_bits(linspace(0.1, 7, 1031, DType::float64, true, grid), linspace(0.1, 7, 1031, DType::float64, true, {})));
  CHECK(same_bits(eye(67, 101, 3, DType::int32, grid), eye(67, 101, 3, DType::int32, {})));
}
