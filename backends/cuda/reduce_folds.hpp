#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include <weft/backends/cuda/elementwise.hpp>

// What reductions and scans do with elements of type T. A fold F has a type `Total` of running values, and
//   F::start()            the total of no elements
//   F::load(x, place)     that of one element, `place` along its axis
//   F::combine(a, b)      that of both, a's before b's
//   F::finish(total)      the result, of type F::Result.

namespace weft::cuda {

/// A fold whose totals are what an element is computed in.
template <class T, class R = T> struct PlainFold {
  using Total = Computed<T>;
  using Result = R;
  WEFT_DEVICE static Total load(T x, int64_t) { return static_cast<Total>(x); }
  WEFT_DEVICE static Result finish(Total total) { return static_cast<Result>(total); }
};

/// Integers wrap around.
template <class T> struct SumFold : PlainFold<T> {
  using typename PlainFold<T>::Total;
  WEFT_DEVICE static Total start() { return Total(0); }
  WEFT_DEVICE static Total combine(Total a, Total b) {
    if constexpr (std::is_integral_v<Total>) {
      using Bits = std::make_unsigned_t<Total>;
      return static_cast<Total>(static_cast<Bits>(a) + static_cast<Bits>(b));
    } else {
      return a + b;
    }
  }
};

template <class T> struct ProdFold : PlainFold<T> {
  using typename PlainFold<T>::Total;
  WEFT_DEVICE static Total start() { return Total(1); }
  WEFT_DEVICE static Total combine(Total a, Total b) {
    if constexpr (std::is_integral_v<Total>) {
      using Bits = std::make_unsigned_t<Total>;
      return static_cast<Total>(static_cast<Bits>(a) * static_cast<Bits>(b));
    } else {
      return a * b;
    }
  }
};

/// Whether a is above b (below it, for the smallest).
template <bool largest, class T> WEFT_DEVICE bool beats(T a, T b) { return largest ? a > b : a < b; }

/// The value that every other one beats.
template <bool largest, class T> WEFT_DEVICE T lowest_value() {
  using Limits = std::numeric_limits<T>;
  if constexpr (Limits::has_infinity) return largest ? -Limits::infinity() : Limits::infinity();
  else return largest ? Limits::lowest() : Limits::max();
}

/// NaN where there is one.
template <class T, bool largest> struct ExtremumFold : PlainFold<T> {
  using typename PlainFold<T>::Total;
  WEFT_DEVICE static Total start() { return lowest_value<largest, Total>(); }
  WEFT_DEVICE static Total combine(Total a, Total b) { return a != a || beats<largest>(a, b) ? a : b; }
};
template <class T> using MaxFold = ExtremumFold<T, true>;
template <class T> using MinFold = ExtremumFold<T, false>;

struct AnyFold : PlainFold<bool> {
  WEFT_DEVICE static bool start() { return false; }
  WEFT_DEVICE static bool combine(bool a, bool b) { return a || b; }
};
struct AllFold : PlainFold<bool> {
  WEFT_DEVICE static bool start() { return true; }
  WEFT_DEVICE static bool combine(bool a, bool b) { return a && b; }
};

/// log(sum(exp(x))), kept as the largest x and the sum of exp(x - largest).
template <class T> struct LogSumExpFold {
  using C = Computed<T>;
  struct Total {
    C largest, sum;
  };
  using Result = T;
  WEFT_DEVICE static Total start() { return {C(-HUGE_VAL), C(0)}; }
  WEFT_DEVICE static Total load(T x, int64_t) { return {static_cast<C>(x), C(1)}; }
  WEFT_DEVICE static Total combine(Total a, Total b) {
    if (a.largest == b.largest) return {a.largest, a.sum + b.sum};  // infinite ones, too
    if (a.largest < b.largest) {
      const Total swapped = a;
      a = b;
      b = swapped;
    }
    return {a.largest, a.sum + b.sum * std::exp(b.largest - a.largest)};
  }
  WEFT_DEVICE static Result finish(Total total) {
    return static_cast<T>(total.sum == C(0) ? C(-HUGE_VAL) : total.largest + std::log(total.sum));
  }
};

/// The first place of the extremum; a NaN beats everything.
template <class T, bool largest> struct ArgFold {
  using C = Computed<T>;
  struct Total {
    int64_t place;
    C value;
  };
  using Result = int64_t;
  WEFT_DEVICE static Total start() { return {std::numeric_limits<int64_t>::max(), lowest_value<largest, C>()}; }
  WEFT_DEVICE static Total load(T x, int64_t place) { return {place, static_cast<C>(x)}; }
  WEFT_DEVICE static Total combine(Total a, Total b) {
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    if (a_nan != b_nan) return a_nan ? a : b;
    if (!a_nan && a.value != b.value) return beats<largest>(a.value, b.value) ? a : b;
    return a.place < b.place ? a : b;
  }
  WEFT_DEVICE static Result finish(Total total) { return total.place; }
};

}  // namespace weft::cuda
