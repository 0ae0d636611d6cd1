#pragma once

#include <compare>
#include <optional>
#include <vector>

#include <weft/backends/cuda/matmul_product.hpp>

// How a product is put to cuBLASLt, whose matrices are column-major: what lies in memory as a row-major result [m, n]
// is the column-major result [n, m], which is the product of the factors' transposes in the other order. So the
// library's first factor A is b, and its second B is a. No CUDA is needed here.

namespace weft::cuda {

/// A column-major matrix as it is stored, and whether its transpose is multiplied.
struct LtMatrix {
  int64_t rows = 0, columns = 0, leading = 0, batch_stride = 0;  ///< strides in elements
  bool transposed = false;
  int alignment = 0;  ///< of every pointer to it, in bytes, up to 256
  auto operator<=>(const LtMatrix&) const = default;
};

enum class LtFunction { none, relu, gelu };

/// All that the choice of an algorithm may depend on. D = function(A . B + bias) + C, or without a function
/// A . B + C + bias; C is laid out as D.
struct LtKey {
  int device = 0;
  DType dtype = DType::float32;
  bool tf32 = false;
  LtMatrix a, b, d;
  int64_t batches = 1;
  LtFunction function = LtFunction::none;
  bool adds_bias = false, adds_c = false;
  bool keeps_input = false;  ///< stores the function's input, laid out as D, too
  int bias_alignment = 0, c_alignment = 0, kept_alignment = 0;
  auto operator<=>(const LtKey&) const = default;
};

/// Where one call of the library begins, in bytes from the plan's pointers.
struct LtCall {
  int64_t a = 0, b = 0, d = 0;
};

struct LtPlan {
  LtKey key;
  const void *a = nullptr, *b = nullptr, *c = nullptr, *bias = nullptr;
  void *d = nullptr, *kept = nullptr;
  std::vector<LtCall> calls;  ///< one for each of the batches that no stride leads through
  Device device;
  Product rest;           ///< what is left to do with the sums in d,
  bool finished = false;  ///< unless nothing is
};

constexpr size_t lt_workspace_bytes = size_t{32} << 20;

/// The plan of a product that has elements; none where the library does not serve: for integers, an empty K, matrices
/// neither of whose axes is contiguous (or with rows that overlap or run backwards), and batches of too many calls.
std::optional<LtPlan> plan_lt(const Product& product);

}  // namespace weft::cuda
