// Plans of calls of cuBLASLt, carried out by a small column-major product in its place.

#include <cmath>
#include <cstdint>

#include <weft/backends/cuda/blas/lt_plan.hpp>
#include <weft/backends/cuda/emulation/lt_stand_in.hpp>
#include <weft/backends/cuda/precision.hpp>
#include <weft/tests/cuda/matmul_cases.hpp>

using namespace weft;
using namespace weft::test;
using namespace weft::cuda;

namespace {

int calls = 0;

double gelu_tanh(double x) { return 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))); }

/// Element (row, column) of a matrix as it enters the product.
template <class T> double element(const T* data, const LtMatrix& matrix, int64_t row, int64_t column) {
  if (matrix.transposed) std::swap(row, column);
  if (row >= matrix.rows || column >= matrix.columns) FAIL("outside a stored matrix");
  return static_cast<double>(data[column * matrix.leading + row]);
}

template <class T> T* moved(const void* memory, int64_t bytes) {
  return reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(memory) + static_cast<uintptr_t>(bytes));
}

void check_alignment(const void* memory, int alignment) {
  CHECK(reinterpret_cast<uintptr_t>(memory) % static_cast<uintptr_t>(alignment) == 0);
}

/// What the library's manual says that a call with this key does, and asks of it.
template <class T> void one_call(const LtPlan& plan, const LtCall& call) {
  const LtKey& key = plan.key;
  for (const LtMatrix& matrix : {key.a, key.b, key.d}) CHECK(matrix.leading >= matrix.rows);
  const int64_t m = key.a.transposed ? key.a.columns : key.a.rows, k = key.a.transposed ? key.a.rows : key.a.columns;
  REQUIRE((key.b.transposed ? key.b.columns : key.b.rows) == k);
  REQUIRE((key.b.transposed ? key.b.rows : key.b.columns) == key.d.columns);
  REQUIRE(m == key.d.rows);
  REQUIRE_FALSE(key.d.transposed);
  if (key.keeps_input) {
    REQUIRE(key.function == LtFunction::gelu);
    CHECK(key.d.leading % 8 == 0);
    CHECK(key.d.batch_stride % 8 == 0);
    check_alignment(moved<T>(plan.kept, call.d), key.kept_alignment);
  }
  if (key.adds_bias) check_alignment(plan.bias, key.bias_alignment);
  const T *a = moved<T>(plan.a, call.a), *b = moved<T>(plan.b, call.b);
  T* d = moved<T>(plan.d, call.d);
  const T* c = key.adds_c ? moved<T>(plan.c, call.d) : nullptr;
  T* kept = key.keeps_input ? moved<T>(plan.kept, call.d) : nullptr;
  check_alignment(a, key.a.alignment);
  check_alignment(b, key.b.alignment);
  check_alignment(d, key.d.alignment);
  if (c) check_alignment(c, key.c_alignment);
  for (int64_t batch = 0; batch < key.batches; ++batch)
    for (int64_t column = 0; column < key.d.columns; ++column)
      for (int64_t row = 0; row < m; ++row) {
        double sum = 0;
        for (int64_t i = 0; i < k; ++i)
          sum += element(a + batch * key.a.batch_stride, key.a, row, i) *
                 element(b + batch * key.b.batch_stride, key.b, i, column);
        const int64_t at = batch * key.d.batch_stride + column * key.d.leading + row;
        if (c) sum += static_cast<double>(c[at]);
        if (key.adds_bias) sum += static_cast<double>(static_cast<const T*>(plan.bias)[row]);
        if (kept) kept[at] = static_cast<T>(static_cast<float>(sum));
        if (key.function == LtFunction::relu) sum = std::max(sum, 0.0);
        if (key.function == LtFunction::gelu) sum = gelu_tanh(sum);
        if constexpr (sizeof(T) == 8) d[at] = sum;
        else d[at] = static_cast<T>(static_cast<float>(sum));
      }
}

bool stand_in(const LtPlan& plan) {
  visit_float(plan.key.dtype, [&]<class T>(std::type_identity<T>) {
    for (const LtCall& call : plan.calls) one_call<T>(plan, call);
  });
  ++calls;
  return true;
}

/// While it lives, products go through their plans.
struct WithLibrary {
  WithLibrary() {
    set_lt_stand_in(stand_in);
    calls = 0;
  }
  ~WithLibrary() { set_lt_stand_in(nullptr); }
};

/// The product is right, and the library was called for it.
void check_served(const Tensor& a, const Tensor& b) {
  const int before = calls;
  check_product(a, b);
  CHECK(calls == before + 1);
}

/// The plan of a . b, with what `change` makes of the product.
template <class F> std::optional<LtPlan> plan_of(const Tensor& a, const Tensor& b, F&& change) {
  Tensor result = on_grid(matmul(a.to("cpu"), b.to("cpu")));
  Product product = make_product(a, b, result);
  change(product);
  return plan_lt(product);
}
std::optional<LtPlan> plan_of(const Tensor& a, const Tensor& b) {
  return plan_of(a, b, [](Product&) {});
}

constexpr DType floats[] = {DType::float32, DType::float64, DType::bfloat16, DType::float16};

}  // namespace

TEST_CASE("cublaslt plans read transposed and padded matrices", "[cuda]") {
  const WithLibrary library;
  for (DType dtype : floats) {
    const Tensor a = small_wave({7, 11}, dtype), b = small_wave({11, 5}, dtype, 1);
    const Tensor memory = small_wave({20, 16}, dtype, 2);
    const Tensor a_padded = memory.strided_view({7, 11}, {16, 1}, 3),
                 b_padded = memory.strided_view({11, 5}, {1, 16}, 1);
    for (const Tensor& left : {a, columns_first(a), a_padded})
      for (const Tensor& right : {b, columns_first(b), b_padded}) check_served(left, right);
  }
}

TEST_CASE("cublaslt plans take matrices of one row or column of any stride", "[cuda]") {
  const WithLibrary library;
  const Tensor memory = small_wave({4096}, DType::float32);
  // The stride of an axis of length 1 says nothing: here it would overlap, or skip, what there is.
  auto rows = [&](int64_t m, int64_t n, int64_t stride) {
    return memory.strided_view({1, m, n}, {0, m == 1 ? stride : 40, n == 1 ? stride : 1}, 0);
  };
  auto columns = [&](int64_t m, int64_t n, int64_t stride) {
    return memory.strided_view({1, m, n}, {0, m == 1 ? stride : 1, n == 1 ? stride : 40}, 100);
  };
  for (int64_t m : {1, 3})
    for (int64_t k : {1, 5})
      for (int64_t n : {1, 4})
        for (int64_t stride : {0, 1, 2, 90}) {
          check_served(rows(m, k, stride), rows(k, n, stride));
          check_served(rows(m, k, stride), columns(k, n, stride));
          check_served(columns(m, k, stride), columns(k, n, stride));
        }
}

TEST_CASE("cublaslt plans broadcast batches", "[cuda]") {
  const WithLibrary library;
  for (DType dtype : {DType::float32, DType::bfloat16}) {
    check_served(small_wave({3, 7, 5}, dtype), small_wave({3, 5, 4}, dtype, 1));
    check_served(small_wave({7, 5}, dtype), small_wave({2, 3, 5, 4}, dtype, 1));
    check_served(small_wave({6, 7, 5}, dtype), small_wave({5, 4}, dtype, 1));
    check_served(small_wave({3, 1, 7, 5}, dtype), small_wave({4, 5, 2}, dtype, 1));
    check_served(small_wave({2, 1, 3, 7, 5}, dtype), small_wave({2, 4, 1, 5, 2}, dtype, 1));
    check_served(swapaxes(small_wave({2, 7, 3, 5}, dtype), 1, 2), small_wave({2, 3, 5, 4}, dtype, 1));
    check_served(swapaxes(small_wave({7, 3, 5}, dtype), 0, 1), small_wave({5, 4}, dtype, 1));
  }
  const auto plan = plan_of(small_wave({3, 1, 7, 5}, DType::float32), small_wave({4, 5, 2}, DType::float32));
  REQUIRE(plan);
  CHECK(plan->key.batches == 4);
  CHECK(plan->calls.size() == 3);
}

TEST_CASE("cublaslt plans finish fused products", "[cuda]") {
  const WithLibrary library;
  for (DType dtype : floats)
    for (const auto& [a_shape, b_shape] : {std::pair<Shape, Shape>{{2, 3, 5}, {5, 7}},
                                           {{2, 3, 5}, {5, 8}},
                                           {{2, 1, 3, 5}, {3, 5, 7}},
                                           {{2, 3, 5}, {2, 5, 8}}}) {
      const Tensor a = small_wave(a_shape, dtype), b = small_wave(b_shape, dtype, 1);
      for_every_fused(a, b, [&](const Tensors& fused, const Tensors& expected) {
        REQUIRE(fused.size() == expected.size());
        for (size_t i = 0; i < fused.size(); ++i) {
          // One after another, each op rounds to a half type.
          if (is_half(dtype)) check_near({fused[i]}, {expected[i]}, 3 * tolerance_of(dtype));
          else CHECK(same_bits(fused[i], expected[i]));
        }
      });
    }
  CHECK(calls > 0);
}

TEST_CASE("cublaslt plans copy views that the library does not read", "[cuda]") {
  const WithLibrary library;
  const Tensor a = small_wave({40, 36}, DType::float32), b = small_wave({36, 33}, DType::float32, 1);
  check_served(scattered(a), b);
  check_served(a, scattered(b));
  check_served(a.strided_view({40, 36}, {0, 1}, 0), b);
  // A product that does little with each element is rather the own kernel's.
  const int before = calls;
  check_product(scattered(small_wave({3, 5}, DType::float32)), small_wave({5, 4}, DType::float32));
  CHECK(calls == before);
}

TEST_CASE("cublaslt is left out when libraries are not allowed", "[cuda]") {
  const WithLibrary library;
  const Tensor a = small_wave({6, 5}, DType::float32), b = small_wave({5, 4}, DType::float32);
  allow_libraries(false);
  check_product(a, b);
  CHECK(calls == 0);
  CHECK(cuda_libraries().find("not used") != std::string::npos);
  allow_libraries(true);
  check_served(a, b);
}

TEST_CASE("cublaslt plans leave alone what the library does not serve", "[cuda]") {
  const DType dtype = DType::float32;
  const Tensor a = small_wave({6, 5}, dtype), b = small_wave({5, 4}, dtype);
  REQUIRE(plan_of(a, b));
  CHECK_FALSE(plan_of(scattered(a), b));
  CHECK_FALSE(plan_of(a, scattered(b)));
  CHECK_FALSE(plan_of(a.strided_view({6, 5}, {0, 1}, 0), b));    // rows on top of each other
  CHECK_FALSE(plan_of(a.strided_view({4, 5}, {3, 1}, 0), b));    // and overlapping
  CHECK_FALSE(plan_of(a.strided_view({6, 5}, {-5, 1}, 25), b));  // backwards
  CHECK_FALSE(plan_of(small_wave({2, 6, 5}, dtype).strided_view({2, 6, 5}, {-30, 5, 1}, 30), b));
  CHECK_FALSE(plan_of(small_wave({6, 0}, dtype), small_wave({0, 4}, dtype)));
  CHECK_FALSE(plan_of(small_wave({65, 1, 2, 3}, dtype), small_wave({65, 3, 2}, dtype)));  // too many calls
  const Tensor whole = on_grid(places({6, 6}, 9));
  CHECK_FALSE(plan_of(whole, whole));
}

TEST_CASE("cublaslt plans use TF32 only when allowed", "[cuda]") {
  const Tensor a = small_wave({6, 6}, DType::float32), wide = small_wave({6, 6}, DType::float64);
  const bool before = tf32_allowed();
  allow_tf32(false);
  CHECK_FALSE(plan_of(a, a)->key.tf32);
  allow_tf32(true);
  CHECK(plan_of(a, a)->key.tf32);
  CHECK_FALSE(plan_of(wide, wide)->key.tf32);
  allow_tf32(before);
}

TEST_CASE("cublaslt plans give the library what epilogues it has", "[cuda]") {
  using enum op::Activation;
  Tensor memory = small_wave({64}, DType::float32);
  auto half = [&](op::Activation activation, int64_t n, bool bias, bool residual, bool keeps) {
    return *plan_of(small_wave({6, 5}, DType::bfloat16), small_wave({5, n}, DType::bfloat16), [&](Product& product) {
      product.activation = activation;
      if (bias) product.bias = memory.raw();
      if (residual) product.residual = memory.raw();
      if (keeps) product.kept = memory.mutable_raw();
    });
  };
  CHECK(half(relu, 7, true, false, false).key.function == LtFunction::relu);
  CHECK(half(relu, 7, true, false, false).finished);
  CHECK(half(relu, 7, true, false, true).key.function == LtFunction::none);
  CHECK(half(gelu_tanh, 7, true, false, false).finished);
  CHECK(half(gelu_tanh, 8, true, false, true).key.keeps_input);
  CHECK(half(gelu_tanh, 8, true, false, true).finished);
  CHECK(half(gelu_tanh, 7, true, false, true).key.function == LtFunction::none);  // rows are not multiples of 8
  CHECK(half(gelu_erf, 8, true, false, false).key.function == LtFunction::none);  // another function
  CHECK(half(none, 7, true, true, false).key.adds_c);
  CHECK(half(none, 7, true, true, false).finished);
  CHECK_FALSE(half(relu, 7, true, true, false).key.adds_c);  // a residual comes after the function
  CHECK_FALSE(half(relu, 7, true, true, false).finished);
  // Wide types: the bias of a linear product alone, in float32.
  auto wide = [&](DType dtype, const Shape& b) {
    return *plan_of(small_wave({2, 6, 5}, dtype), small_wave(b, dtype), [&](Product& product) {
      product.activation = relu;
      product.bias = memory.raw();
    });
  };
  CHECK(wide(DType::float32, {5, 8}).key.adds_bias);
  CHECK_FALSE(wide(DType::float32, {2, 5, 8}).key.adds_bias);
  CHECK_FALSE(wide(DType::float64, {5, 8}).key.adds_bias);
  CHECK(wide(DType::float32, {5, 8}).key.function == LtFunction::none);
  CHECK(wide(DType::float32, {5, 8}).rest.activation == relu);
}

TEST_CASE("cublaslt plans with different pointers share a key when they are aligned alike", "[cuda]") {
  const Tensor memory = small_wave({4096}, DType::float32), b = small_wave({16, 16}, DType::float32);
  Tensor result = matmul(b, b);
  auto key_at = [&](int64_t first) {
    return plan_lt(make_product(memory.strided_view({16, 16}, {16, 1}, first), b, result))->key;
  };
  CHECK(key_at(0) == key_at(64));
  CHECK(key_at(1) == key_at(3));
  CHECK(key_at(0) != key_at(1));
  CHECK(key_at(1).b.alignment == 4);
  CHECK(key_at(2).b.alignment == 8);
}
