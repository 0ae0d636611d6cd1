// cuBLASLt itself, where there is a GPU: that it takes what is planned for it, and answers the same each time.

#ifdef WEFT_TESTS_ON_GPU

#include <weft/backends/cuda/blas/lt.hpp>
#include <weft/tests/cuda/matmul_cases.hpp>

using namespace weft;
using namespace weft::test;
using namespace weft::cuda;

TEST_CASE("cublaslt takes the plans of usual products", "[cuda]") {
  WARN(cuda_libraries());
  if (!has_lt()) return;
  for (DType dtype : {DType::float32, DType::float64, DType::bfloat16, DType::float16})
    for (const auto& [a_shape, b_shape] : {std::pair<Shape, Shape>{{64, 128}, {128, 256}},
                                           {{33, 17}, {17, 41}},
                                           {{5, 64, 32}, {5, 32, 72}},
                                           {{3, 1, 24, 32}, {7, 32, 40}}})
      for (bool left : {false, true})
        for (bool right : {false, true}) {
          const Tensor a = small_wave(a_shape, dtype), b = small_wave(b_shape, dtype, 1);
          const Tensor a_view = left ? columns_first(a) : a, b_view = right ? columns_first(b) : b;
          Tensor result = matmul(a, b), kept = matmul(a, b);
          const Tensor bias = small_wave({b.shape().back()}, dtype, 2), residual = small_wave(result.shape(), dtype, 3);
          for (op::Activation activation : {op::Activation::none, op::Activation::relu, op::Activation::gelu_tanh})
            for (unsigned bits = 0; bits < 8; ++bits) {
              Product product = make_product(a_view, b_view, result);
              product.activation = activation;
              if (bits & 1) product.bias = bias.raw();
              if (bits & 2) product.residual = residual.raw();
              if (bits & 4) product.kept = kept.mutable_raw();
              INFO(name_of(dtype) << " " << to_string(a.shape()) << " " << to_string(b.shape()) << ", transposed "
                                  << left << right << ", activation " << static_cast<int>(activation) << ", bits "
                                  << bits);
              const auto plan = plan_lt(product);
              REQUIRE(plan);
              CHECK(run_lt(*plan));
            }
          CHECK(same_bits(matmul(a_view, b_view), matmul(a_view, b_view)));
        }
}

#endif
