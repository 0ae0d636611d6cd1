#pragma once

#include <limits>

#include <weft/core/kernel_table.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

// What reductions and scans share: `Folder::fold<T, Wide, Op>(call, start, f)` runs over elements of type T with
// running values of type Wide.

/// Floats are folded in double and integers as unsigned 64-bit numbers, which wrap around.
template <class Folder, class Op, int Start, class F> void add_fold(KernelTable& table, F) {
  table.add<Op>(
      [](const KernelCall& call) {
        visit_wide_number(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
          using Wide = std::conditional_t<std::is_integral_v<T>, uint64_t, double>;
          Folder::template fold<T, Wide, Op>(call, Start, F{});
        });
      },
      wide_numbers);
}

/// The largest or smallest; a NaN wins.
template <class Folder, class Op, bool Largest> void add_extremum(KernelTable& table) {
  table.add<Op>(
      [](const KernelCall& call) {
        visit_wide_number(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
          using Limits = std::numeric_limits<T>;
          T start = Largest ? (Limits::has_infinity ? -Limits::infinity() : Limits::lowest())
                            : (Limits::has_infinity ? Limits::infinity() : Limits::max());
          Folder::template fold<T, T, Op>(call, start, [](T y, T x) {
            return y != y ? y : x != x || (Largest ? x > y : x < y) ? x : y;
          });
        });
      },
      wide_numbers);
}

}  // namespace weft
