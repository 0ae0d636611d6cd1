#pragma once

#include <weft/autograd/ops/activation_functors.hpp>
#include <weft/autograd/ops/unary_functors.hpp>
#include <weft/backends/cuda/four.hpp>
#include <weft/backends/cuda/matmul_product.hpp>

namespace weft::cuda {

/// What products are computed in: float32 for half types; integers wrap around.
template <class T> struct FactorOf { using type = Computed<T>; };
template <> struct FactorOf<int32_t> { using type = uint32_t; };
template <> struct FactorOf<int64_t> { using type = uint64_t; };
template <class T> using Factor = typename FactorOf<T>::type;

/// x + y, rounded as by an op of its own: a product before it is not drawn into an fma.
template <class C> WEFT_DEVICE C sum_apart(C x, C y) {
#ifdef __CUDA_ARCH__
  if constexpr (std::is_same_v<C, float>) return __fadd_rn(x, y);
  if constexpr (std::is_same_v<C, double>) return __dadd_rn(x, y);
#endif
  return x + y;
}

template <class C> WEFT_DEVICE C activated(op::Activation activation, C x) {
  if constexpr (std::is_floating_point_v<C>) {
    switch (activation) {
      case op::Activation::none: break;
      case op::Activation::relu: return functors::Relu()(x);
      case op::Activation::gelu_tanh: return functors::GeluTanh()(x);
      case op::Activation::gelu_erf: return functors::GeluErf()(x);
      case op::Activation::silu: return functors::Silu()(x);
      case op::Activation::sigmoid: return functors::Sigmoid()(x);
      case op::Activation::tanh: return functors::Tanh()(x);
    }
  }
  return x;
}

/// What follows a product, for each of its elements.
template <class T> struct Epilogue {
  const T *bias, *residual;
  T *kept, *result;
  op::Activation activation;
  bool fours;  ///< rows are whole Fours, and all is aligned for them

  explicit Epilogue(const Product& product)
      : bias(static_cast<const T*>(product.bias)),
        residual(static_cast<const T*>(product.residual)),
        kept(static_cast<T*>(product.kept)),
        result(static_cast<T*>(product.result)),
        activation(product.activation),
        fours(product.n() % 4 == 0) {
    for (const void* memory : {product.residual, static_cast<const void*>(kept), static_cast<const void*>(result)})
      fours = fours && reinterpret_cast<uintptr_t>(memory) % sizeof(Four<T>) == 0;
  }

  /// Element `at` of the result, in column `column`.
  WEFT_DEVICE void one(int64_t at, int64_t column, Factor<T> sum) const {
    if (bias) sum += static_cast<Factor<T>>(bias[column]);
    if (kept) kept[at] = static_cast<T>(sum);
    sum = activated(activation, sum);
    if (residual) sum = sum_apart(sum, static_cast<Factor<T>>(residual[at]));
    result[at] = static_cast<T>(sum);
  }

  /// Four neighbours, where `fours` says so.
  WEFT_DEVICE void four(int64_t at, int64_t column, const Factor<T>* sums) const {
    Four<T> before, after, added;
    if (residual) added = four_at(residual + at);
    for (int j = 0; j < 4; ++j) {
      Factor<T> sum = sums[j];
      if (bias) sum += static_cast<Factor<T>>(bias[column + j]);
      before.values[j] = static_cast<T>(sum);
      sum = activated(activation, sum);
      if (residual) sum = sum_apart(sum, static_cast<Factor<T>>(added.values[j]));
      after.values[j] = static_cast<T>(sum);
    }
    if (kept) four_at(kept + at) = before;
    four_at(result + at) = after;
  }
};

/// The epilogue of sums that lie in memory, in `parts` parts of the result's layout that are added in their order.
template <class T, class Part> struct FinishProduct {
  const Part* sums;
  int64_t parts, elements, columns;
  Epilogue<T> epilogue;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < elements; i += thread.global_size()) {
      auto sum = static_cast<Factor<T>>(sums[i]);
      for (int64_t part = 1; part < parts; ++part) sum += static_cast<Factor<T>>(sums[part * elements + i]);
      epilogue.one(i, divided(i, columns).rest, sum);
    }
  }
};

template <class T, class Part> void finish_product(const Product& product, const Part* sums, int64_t parts) {
  launch(FinishProduct<T, Part>{sums, parts, product.elements(), product.n(), Epilogue<T>(product)},
         blocks_for(product.elements()), usual_threads);
}

}  // namespace weft::cuda
