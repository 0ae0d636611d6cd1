// Products at sizes that take several tiles, every kind of tile, several blocks and splits of k, and views of any
// strides.

#include <weft/autograd/ops/create.hpp>
#include <weft/backends/cuda/precision.hpp>
#include <weft/tests/cuda/matmul_cases.hpp>

using namespace weft;
using namespace weft::test;

TEST_CASE("cuda products take every tile and split k", "[cuda]") {
  struct {
    int64_t m, k, n;
  } sizes[] = {{65, 33, 67}, {130, 17, 71}, {7, 300, 131},  {131, 70, 3},  {1, 700, 1},
               {16, 5, 16},  {1, 13, 150},  {64, 1031, 64}, {17, 512, 17}, {20, 272, 24}};
  for (DType dtype : {DType::float32, DType::float64, DType::bfloat16, DType::float16})
    for (const auto& [m, k, n] : sizes) check_product(small_wave({m, k}, dtype), small_wave({k, n}, dtype, 1));
}

TEST_CASE("cuda products of many tiles take larger ones", "[cuda]") {
  check_product(small_wave({33, 129, 19}, DType::float32), small_wave({33, 19, 132}, DType::float32, 1));
  check_product(small_wave({44, 132, 8}, DType::bfloat16), small_wave({44, 8, 300}, DType::bfloat16, 1));
}

TEST_CASE("cuda products of half types are summed in float32", "[cuda]") {
  // In float16 a sum of ones stops at 2048, in bfloat16 at 256.
  for (DType dtype : {DType::float16, DType::bfloat16})
    for (int64_t m : {3, 40})
      with_and_without_libraries([&] {
        const Tensor product = matmul(on_grid(full({m, 4096}, 1, dtype)), on_grid(full({4096, 24}, 1, dtype)));
        CHECK(same_bits(product, full({m, 24}, 4096, dtype)));
      });
}

TEST_CASE("cuda products of float32 keep all its bits", "[cuda]") {
  const bool before = cuda::tf32_allowed();
  cuda::allow_tf32(false);
  const Tensor fine = on_grid(full({64, 64}, 1 + 1.0 / 8192));  // rounds to 1 in TF32
  with_and_without_libraries([&] {
    CHECK(same_bits(matmul(fine, on_grid(eye(64))), fine));
    CHECK(same_bits(linear(fine, on_grid(eye(64)), on_grid(zeros({64}))), fine));
  });
  cuda::allow_tf32(before);
}

TEST_CASE("cuda products of integers wrap around", "[cuda]") {
  for (DType dtype : {DType::int32, DType::int64}) {
    auto numbers = [&](const Shape& shape) {
      Tensor x = Tensor::empty(shape, dtype);
      copy_elements(places(shape, dtype == DType::int32 ? 2147483647 : int64_t{1} << 31), x);
      return on_grid(x * x);
    };
    check_product(numbers({67, 300}), numbers({300, 69}));
    check_product(columns_first(numbers({3, 5})), scattered(numbers({5, 2})));
  }
}

TEST_CASE("cuda products read factors of any strides", "[cuda]") {
  for (DType dtype : {DType::float32, DType::float16}) {
    const Tensor a = small_wave({68, 72}, dtype), b = small_wave({72, 76}, dtype, 1);
    for (const Tensor& left : {a, columns_first(a), scattered(a)})
      for (const Tensor& right : {b, columns_first(b), scattered(b)}) check_product(left, right);
    // Off what may be read by four: where a row begins, or its stride.
    const Tensor line = small_wave({72 * 80 + 8}, dtype);
    for (int64_t first : {0, 1, 2, 4}) {
      check_product(line.strided_view({68, 72}, {73, 1}, first), b);
      check_product(line.strided_view({68, 68}, {72, 1}, first), line.strided_view({68, 60}, {1, 72}, first));
    }
    // Rows that are all the same one.
    check_product(a.strided_view({70, 72}, {0, 1}, 0), b);
  }
}

TEST_CASE("cuda products broadcast batches", "[cuda]") {
  const DType dtype = DType::float32;
  check_product(small_wave({3, 1, 35, 20}, dtype), small_wave({4, 20, 33}, dtype, 1));
  check_product(small_wave({35, 20}, dtype), small_wave({2, 3, 20, 33}, dtype, 1));
  check_product(small_wave({5, 3, 20}, dtype), small_wave({20, 33}, dtype, 1));
  check_product(swapaxes(small_wave({2, 35, 3, 20}, dtype), 1, 2), small_wave({2, 3, 20, 18}, dtype, 1));
  // Rows that do not run on: a batch of the axis before them.
  check_product(swapaxes(small_wave({7, 5, 20}, dtype), 0, 1), small_wave({20, 33}, dtype, 1));
  // A long k in several parts; matrices that begin off what may be read by four.
  check_product(small_wave({2, 1, 20, 300}, dtype), small_wave({3, 300, 24}, dtype, 1));
  const Tensor line = small_wave({2048}, dtype);
  check_product(line.strided_view({3, 20, 24}, {481, 24, 1}, 0), line.strided_view({3, 24, 20}, {503, 20, 1}, 0));
  check_product(small_wave({3, 20, 0}, dtype), small_wave({3, 0, 33}, dtype));
}

TEST_CASE("cuda fused products have the bits of the ops one after another", "[cuda]") {
  auto check = [](const Tensor& a, const Tensor& b) {
    with_and_without_libraries([&] {
      for_every_fused(a, b, [](const Tensors& fused, const Tensors& expected) {
        REQUIRE(fused.size() == expected.size());
        for (size_t i = 0; i < fused.size(); ++i) CHECK(same_bits(fused[i], expected[i]));
      });
    });
  };
  for (DType dtype : {DType::float32, DType::float64}) {
    check(small_wave({2, 18, 7}, dtype), small_wave({7, 19}, dtype, 1));
    check(small_wave({2, 18, 7}, dtype), small_wave({2, 7, 20}, dtype, 1));
  }
  check(small_wave({5, 300}, DType::float32), small_wave({300, 20}, DType::float32, 1));
}
