#pragma once

#include <type_traits>

#include <weft/core/host_device.hpp>

namespace weft::functors::integer {

// The functors of unary.hpp's and binary.hpp's primitives for integers, under the same names. Results that do not fit
// wrap around.

template <class T> WEFT_HOST_DEVICE constexpr auto bits(T x) { return static_cast<std::make_unsigned_t<T>>(x); }

// clang-format off
struct Negative { template <class T> WEFT_HOST_DEVICE T operator()(T x) const { return static_cast<T>(0 - bits(x)); } };
struct Abs { template <class T> WEFT_HOST_DEVICE T operator()(T x) const { return x < 0 ? Negative()(x) : x; } };
struct Sign { template <class T> WEFT_HOST_DEVICE T operator()(T x) const { return T(x > 0) - T(x < 0); } };
struct Square { template <class T> WEFT_HOST_DEVICE T operator()(T x) const { return static_cast<T>(bits(x) * bits(x)); } };
struct Relu { template <class T> WEFT_HOST_DEVICE T operator()(T x) const { return x > 0 ? x : T(0); } };
struct ReluGrad { template <class T> WEFT_HOST_DEVICE T operator()(T y, T g) const { return y > 0 ? g : T(0); } };
struct Add { template <class T> WEFT_HOST_DEVICE T operator()(T x, T y) const { return static_cast<T>(bits(x) + bits(y)); } };
struct Subtract { template <class T> WEFT_HOST_DEVICE T operator()(T x, T y) const { return static_cast<T>(bits(x) - bits(y)); } };
struct Multiply { template <class T> WEFT_HOST_DEVICE T operator()(T x, T y) const { return static_cast<T>(bits(x) * bits(y)); } };
struct Maximum { template <class T> WEFT_HOST_DEVICE T operator()(T x, T y) const { return x > y ? x : y; } };
struct Minimum { template <class T> WEFT_HOST_DEVICE T operator()(T x, T y) const { return x < y ? x : y; } };
// clang-format on

/// Towards minus infinity; 0 for a division by 0.
struct FloorDivide {
  template <class T> WEFT_HOST_DEVICE T operator()(T x, T y) const {
    if (y == 0) return 0;
    if (y == -1) return Negative()(x);  // the lowest number has no opposite
    T quotient = x / y;
    return static_cast<T>(quotient - (x % y != 0 && (x < 0) != (y < 0)));
  }
};

/// With the sign of y; 0 for a division by 0.
struct Remainder {
  template <class T> WEFT_HOST_DEVICE T operator()(T x, T y) const {
    if (y == 0 || y == -1) return 0;
    T remainder = x % y;
    return remainder != 0 && (remainder < 0) != (y < 0) ? remainder + y : remainder;
  }
};

/// A negative power of anything but 1 and -1 is 0.
struct Power {
  template <class T> WEFT_HOST_DEVICE T operator()(T x, T y) const {
    if (y < 0) return x == 1 ? 1 : x == -1 ? (y % 2 == 0 ? 1 : -1) : 0;
    auto result = bits(x), base = result;
    result = 1;
    for (; y > 0; y /= 2, base *= base)
      if (y % 2 == 1) result *= base;
    return static_cast<T>(result);
  }
};

/// 1 for a negative power, which the op refuses.
struct IntegerPow {
  int power = 1;
  template <class T> WEFT_HOST_DEVICE T operator()(T x) const {
    auto result = bits(x), base = result;
    result = 1;
    for (int left = power; left > 0; left /= 2, base *= base)
      if (left % 2 == 1) result *= base;
    return static_cast<T>(result);
  }
};

}  // namespace weft::functors::integer
