#pragma once

#include <limits>
#include <string_view>

#include <weft/core/random.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

namespace op {
/// Attributes of the primitives behind this page. Their last input is a key tensor (see key_tensor).
struct RandomBits {
  static constexpr std::string_view name = "random_bits";
  Shape shape;
  bool operator==(const RandomBits&) const = default;
};
struct RandomUniform {
  static constexpr std::string_view name = "random_uniform";
  Shape shape;
  double low = 0, high = 1;
  DType dtype = DType::float32;
  bool operator==(const RandomUniform&) const = default;
};
/// Normal numbers cut to [low, high]; infinite for plain ones.
struct RandomNormal {
  static constexpr std::string_view name = "random_normal";
  Shape shape;
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  DType dtype = DType::float32;
  bool operator==(const RandomNormal&) const = default;
};
struct RandomIntegers {
  static constexpr std::string_view name = "random_integers";
  Shape shape;
  int64_t low = 0, high = 0;
  DType dtype = DType::int32;
  bool operator==(const RandomIntegers&) const = default;
};
/// Inputs x and the key.
struct Dropout {
  static constexpr std::string_view name = "dropout";
  double rate = 0;
  Shape broadcast_axes;  ///< from the front, sorted
  bool operator==(const Dropout&) const = default;
};
}  // namespace op

/// The key as int32[4]: low and high half of the key, stream, counter; so that a recorded step can be given other keys.
Tensor key_tensor(const RandomKey& key, Device device = default_device());
RandomKey key_from_tensor(const Tensor& key);

/// Element i of every draw below is a function of (key, i) alone, i counting in row-major order, on every backend.

/// 32 random bits each, as int32.
Tensor random_bits(const Shape& shape, const RandomKey& key, Device device = default_device());
/// In [low, high): `low + (high - low) * u` where u is a multiple of 2^-24. Throws ValueError unless low <= high and
/// both are finite, DTypeError for a dtype that is not floating; so do those below.
Tensor uniform(const Shape& shape, const RandomKey& key, double low = 0, double high = 1, DType dtype = DType::float32,
               Device device = default_device());
/// Mean 0 and variance 1: the normal quantile of (bits + 1/2) / 2^32, computed in double precision and rounded.
Tensor normal(const Shape& shape, const RandomKey& key, DType dtype = DType::float32, Device device = default_device());
/// The same restricted to [low, high]; the variance is then below 1.
Tensor truncated_normal(const Shape& shape, const RandomKey& key, double low = -2, double high = 2,
                        DType dtype = DType::float32, Device device = default_device());
/// Booleans that are true with probability p; throws ValueError unless 0 <= p <= 1.
Tensor bernoulli(const Shape& shape, const RandomKey& key, double p = 0.5, Device device = default_device());
/// Integers in [low, high): `low + (bits * (high - low) >> 32)`. Throws ValueError unless 0 < high - low <= 2^32, or
/// when the dtype cannot hold them.
Tensor randint(const Shape& shape, const RandomKey& key, int64_t low, int64_t high, DType dtype = DType::int32,
               Device device = default_device());
/// [0, n) in random order, int32 [n].
Tensor permutation(int64_t n, const RandomKey& key, Device device = default_device());
/// `x` with the places along an axis in random order.
Tensor permutation(const Tensor& x, const RandomKey& key, int axis = 0);

/// Each element is dropped (0) with probability `rate`, the others are multiplied by 1 / (1 - rate). One decision is
/// shared along the `broadcast_axes`. The mask is never stored: the gradient draws it again. Throws ValueError unless
/// 0 <= rate <= 1, DTypeError for integers.
Tensor dropout(const Tensor& x, double rate, const RandomKey& key, const Shape& broadcast_axes = {});

}  // namespace weft
