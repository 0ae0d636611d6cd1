// The numbers that the cuda backend draws are the CPU's.

#include <weft/autograd/ops/random.hpp>
#include <weft/tests/cuda/compare.hpp>

using namespace weft;
using namespace weft::test;

namespace {

const RandomKey key{0x0123456789abcdef, 3, 11};

/// Sizes that end inside a block of four, and one that every thread comes back for.
const Shape sizes[] = {{1}, {4}, {7, 3}, {1031}, {2300003}};

}  // namespace

TEST_CASE("cuda draws the bits and uniforms of the cpu", "[cuda]") {
  const Device grid = test::grid_device();
  for (const Shape& shape : sizes) {
    CHECK(same_bits(random_bits(shape, key, grid), random_bits(shape, key, Device())));
    for (DType dtype : {DType::float32, DType::float64, DType::bfloat16, DType::float16})
      CHECK(same_bits(uniform(shape, key, -0.1, 0.3, dtype, grid), uniform(shape, key, -0.1, 0.3, dtype, Device())));
  }
}

TEST_CASE("cuda draws the integers and booleans of the cpu", "[cuda]") {
  const Device grid = test::grid_device();
  for (const Shape& shape : sizes) {
    CHECK(
        same_bits(randint(shape, key, -5, 1000, DType::int32, grid), randint(shape, key, -5, 1000, DType::int32, {})));
    const int64_t wide = int64_t{1} << 32;
    CHECK(same_bits(randint(shape, key, 1, wide, DType::int64, grid), randint(shape, key, 1, wide, DType::int64, {})));
    CHECK(same_bits(bernoulli(shape, key, 0.3, grid), bernoulli(shape, key, 0.3, {})));
  }
}

TEST_CASE("cuda draws the normal numbers of the cpu", "[cuda]") {
  const Device grid = test::grid_device();
  for (const Shape& shape : {Shape{1031}, Shape{17, 3001}})
    for (DType dtype : {DType::float32, DType::float64}) {
      CHECK(same_bits(normal(shape, key, dtype, grid), normal(shape, key, dtype, {})));
      CHECK(same_bits(truncated_normal(shape, key, -0.5, 2, dtype, grid),
                      truncated_normal(shape, key, -0.5, 2, dtype, {})));
    }
}

TEST_CASE("cuda drops what the cpu drops", "[cuda]") {
  for (DType dtype : {DType::float32, DType::float64, DType::bfloat16, DType::float16}) {
    for (const Shape& shape : sizes) {
      Tensor x = wave(shape, dtype);
      CHECK(same_bits(dropout(on_grid(x), 0.3, key), dropout(x, 0.3, key)));
    }
    Tensor x = wave({7, 11, 13, 5}, dtype);
    for (const Shape& shared : {Shape{0}, Shape{1, 2}, Shape{0, 3}, Shape{0, 1, 2, 3}})
      CHECK(same_bits(dropout(on_grid(x), 0.3, key, shared), dropout(x, 0.3, key, shared)));
    // A view that begins between two blocks of four.
    Tensor tail = x.strided_view({1001}, {1}, 3);
    CHECK(same_bits(dropout(on_grid(x).strided_view({1001}, {1}, 3), 0.5, key), dropout(tail, 0.5, key)));
    CHECK(same_bits(dropout(on_grid(x), 1, key), dropout(x, 1, key)));
  }
}

TEST_CASE("cuda shuffles as the cpu does", "[cuda]") {
  for (int64_t n : {0, 1, 211, 3001})
    CHECK(same_bits(permutation(n, key, test::grid_device()), permutation(n, key, Device())));
  Tensor x = wave({101, 7});
  CHECK(same_bits(permutation(on_grid(x), key), permutation(x, key)));
}
