#pragma once

#include <limits>
#include <type_traits>

#include <weft/core/dtype.hpp>
#include <weft/core/host_device.hpp>

namespace weft {

/// One element in another type. Floats become integers towards zero; what does not fit becomes the nearest integer that
/// does, and NaN 0, where C++ leaves both open. To bool: is not 0. Half types go through float.
template <class To, class From> WEFT_HOST_DEVICE To convert(From value) {
  if constexpr (is_half(dtype_of<From>)) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != 0;
  } else if constexpr (is_half(dtype_of<To>)) {
    return To(static_cast<float>(value));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Limits = std::numeric_limits<To>;
    constexpr From low = static_cast<From>(Limits::min());  // a power of two, so exact
    if (value != value) return 0;
    if (value < low) return Limits::min();
    return value < -low ? static_cast<To>(value) : Limits::max();
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace weft
