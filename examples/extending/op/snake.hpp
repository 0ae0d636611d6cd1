#pragma once

#include <weft/core/tensor.hpp>

namespace snake {

/// Attributes of the primitive: a plain struct with a name, compared member by member.
struct Snake {
  static constexpr std::string_view name = "snake";
  double frequency = 1;
  friend bool operator==(const Snake&, const Snake&) = default;
};

/// x + sin^2(a x) / a with a = `frequency`, element by element: an activation for periodic data (Ziyin et al. 2020).
/// Throws DTypeError unless x is floating, ValueError unless a > 0.
weft::Tensor snake(const weft::Tensor& x, double frequency = 1);

}  // namespace snake
