#pragma once

#include <algorithm>

#include <weft/backends/cuda/launch.hpp>
#include <weft/backends/cuda/workspace.hpp>

// Sums over the rows of [rows, columns]: `terms.add(row, column, sums)` adds an element's share to K sums of type C.
// Rows are cut into parts, whose sums are then added in order; how depends on the shape alone.

namespace weft::cuda {

template <class C, int K> struct Sums {
  C of[K] = {};
};

/// sums [parts, K, columns], a thread for each part of a column.
template <class Terms, class C, int K> struct ColumnParts {
  Terms terms;
  C* sums;
  int64_t rows, columns, length, parts;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t t = thread.global_index(); t < parts * columns; t += thread.global_size()) {
      const int64_t column = t % columns, part = t / columns, begin = part * length;
      const int64_t end = begin + length < rows ? begin + length : rows;
      Sums<C, K> total;
      for (int64_t row = begin; row < end; ++row) terms.add(row, column, total);
      for (int k = 0; k < K; ++k) sums[(part * K + k) * columns + column] = total.of[k];
    }
  }
};

/// sums [n] from parts [parts, n], in order.
template <class C> struct JoinParts {
  const C* shares;
  C* sums;
  int64_t n, parts;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      C total = 0;
      for (int64_t part = 0; part < parts; ++part) total += shares[part * n + i];
      sums[i] = total;
    }
  }
};

/// sums [K, columns].
template <int K, class C, class Terms>
void column_sums(const Terms& terms, int64_t rows, int64_t columns, C* sums, Device device) {
  if (columns == 0) return;
  constexpr int64_t least_rows = 32, most_parts = 512, enough_threads = int64_t{1} << 17;
  int64_t length = std::max<int64_t>(1, rows), parts = 1;
  const int64_t wanted = std::min(most_parts, enough_threads / columns);
  if (rows > least_rows && wanted > 1) {
    length = std::max(least_rows, (rows + wanted - 1) / wanted);
    parts = (rows + length - 1) / length;
  }
  if (parts == 1)
    return launch(ColumnParts<Terms, C, K>{terms, sums, rows, columns, length, 1}, blocks_for(columns), usual_threads);
  Workspace<C> shares(device, parts * K * columns);
  launch(ColumnParts<Terms, C, K>{terms, shares.data(), rows, columns, length, parts}, blocks_for(parts * columns),
         usual_threads);
  launch(JoinParts<C>{shares.data(), sums, K * columns, parts}, blocks_for(K * columns), usual_threads);
}

}  // namespace weft::cuda
