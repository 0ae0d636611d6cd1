#include <weft/backends/cuda/conv.hpp>

#include <algorithm>

#include <weft/backends/cuda/column_sums.hpp>
#include <weft/backends/cuda/conv_tile.hpp>

// The kernel's gradient is a product [taps x channels, pixels] . [pixels, columns] for each group, whose left factor is
// gathered from x. The pixels are cut into parts, which are added in order; how depends on the shapes alone.

namespace weft::cuda {
namespace {

/// A place of y, from a flat number on.
template <class I> struct PixelPlace {
  int64_t entry;
  I at[3];

  WEFT_DEVICE PixelPlace(int64_t pixel, const GatherAxis* axis) {
    const Divided line = divided(pixel, axis[2].result), plane = divided(line.whole, axis[1].result),
                  batch = divided(plane.whole, axis[0].result);
    entry = batch.whole;
    at[0] = static_cast<I>(batch.rest);
    at[1] = static_cast<I>(plane.rest);
    at[2] = static_cast<I>(line.rest);
  }
  WEFT_DEVICE void advance(int by, const GatherAxis* axis) {
    at[2] += by;
    while (at[2] >= static_cast<I>(axis[2].result)) {
      at[2] -= static_cast<I>(axis[2].result);
      if (++at[1] < static_cast<I>(axis[1].result)) continue;
      at[1] = 0;
      if (++at[0] < static_cast<I>(axis[0].result)) continue;
      at[0] = 0;
      ++entry;
    }
  }
};

/// A row of the product: an element of the kernel but for its last axis.
template <class I> struct KernelRow {
  I channel, tap[3];

  KernelRow() = default;
  WEFT_DEVICE KernelRow(int64_t row, const Gather& gather) {
    const Divided last = divided(row, gather.channels), line = divided(last.whole, gather.axis[2].window),
                  plane = divided(line.whole, gather.axis[1].window);
    channel = static_cast<I>(last.rest);
    tap[0] = static_cast<I>(plane.whole);
    tap[1] = static_cast<I>(plane.rest);
    tap[2] = static_cast<I>(line.rest);
  }
};

/// The element of x that a pixel's result takes for a row of the kernel; null for one that lies outside.
template <class T, class I>
WEFT_DEVICE const T* taken(const T* x, const Gather& gather, const PixelPlace<I>& pixel, const KernelRow<I>& row,
                           int64_t group) {
  int64_t flat = pixel.entry;
  for (int a = 0; a < 3; ++a) {
    const I place = gather.axis[a].place<I>(pixel.at[a], row.tap[a]);
    if (place < 0) return nullptr;
    flat = flat * gather.axis[a].source + place;
  }
  return x + (flat * gather.groups + group) * gather.channels + row.channel;
}

template <class T, int each> struct TiledKernelGradient {
  using C = Computed<T>;
  using Tile = ConvTile<C, each>;

  Gather gather;
  const T *x, *d_y;
  C* sums;  ///< [parts, taps, channels, groups x columns]
  int64_t rows, row_tiles, column_tiles, pixels, length;
  bool x_fours, d_y_fours;  ///< four channels, four columns may be read at once

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const Divided column = divided(thread.block(), column_tiles), row = divided(column.whole, row_tiles),
                  group = divided(row.whole, gather.groups);
    compute(thread, row.rest * conv_rows, column.rest * Tile::columns, group.rest, group.whole);
  }

 private:
  WEFT_DEVICE void compute(const Thread& thread, int64_t first_row, int64_t first_column, int64_t group,
                           int64_t part) const {
    const int64_t begin = part * length, end = begin + length < pixels ? begin + length : pixels;
    const int64_t features = gather.groups * gather.columns;
    Tile tile(thread);
    const int me = thread.index();
    // This thread's part of either slice: four rows or columns of one pixel.
    constexpr int row_fours = conv_rows / 4, column_fours = Tile::columns / 4;
    const int left_pixel = me / row_fours, left_row = me % row_fours * 4;
    const int right_pixel = me / column_fours, right_column = me % column_fours * 4;
    const bool has_right = right_pixel < conv_depth;
    KernelRow<int> row[4];
    for (int j = 0; j < 4; ++j) row[j] = KernelRow<int>(first_row + left_row + j, gather);
    const int here = static_cast<int>(rows - first_row - left_row < 4 ? rows - first_row - left_row : 4);

    PixelPlace<int> place(begin + left_pixel, gather.axis);
    FourHeld<C> left, right;
    auto fetch = [&](int64_t at) {
      left = at + left_pixel < end ? gathered(place, row, here, group) : FourHeld<C>();
      place.advance(conv_depth, gather.axis);
      if (has_right)
        right = at + right_pixel < end ? cotangents(at + right_pixel, first_column + right_column, group, features)
                                       : FourHeld<C>();
    };
    fetch(begin);
    for (int64_t at = begin; at < end; at += conv_depth) {
      tile.put_row(left_pixel, left_row, left, false);
      if (has_right) tile.put_column(right_pixel, right_column, right, false);
      thread.sync();
      if (at + conv_depth < end) fetch(at + conv_depth);
      tile.multiply();
      thread.sync();
    }

    tile.for_each([&](int i, int j, C sum) {
      const int64_t to_row = first_row + i, column = first_column + j;
      if (to_row < rows && column < gather.columns)
        sums[(part * rows + to_row) * features + group * gather.columns + column] = sum;
    });
  }

  /// `here` rows of the left factor, at one pixel.
  WEFT_DEVICE FourHeld<C> gathered(const PixelPlace<int>& pixel, const KernelRow<int>* row, int here,
                                   int64_t group) const {
    if (x_fours) {  // then the four share a tap, and are all there or none
      const T* from = here == 4 ? taken(x, gather, pixel, row[0], group) : nullptr;
      return from ? read_four<C>(from, true) : FourHeld<C>();
    }
    FourHeld<C> held;
    for (int j = 0; j < 4; ++j) {
      if (j >= here) break;
      const T* from = taken(x, gather, pixel, row[j], group);
      if (from) held.values[j] = static_cast<C>(*from);
    }
    return held;
  }

  WEFT_DEVICE FourHeld<C> cotangents(int64_t pixel, int64_t column, int64_t group, int64_t features) const {
    const T* from = d_y + pixel * features + group * gather.columns + column;
    if (column + 3 < gather.columns) return read_four<C>(from, d_y_fours);
    FourHeld<C> held;
    for (int j = 0; j < 4; ++j)
      if (column + j < gather.columns) held.values[j] = static_cast<C>(from[j]);
    return held;
  }
};

/// The terms of column_sums() for rows of pixels and columns that are elements of the kernel.
template <class T> struct KernelGradientTerms {
  using C = Computed<T>;
  Gather gather;
  const T *x, *d_y;

  WEFT_DEVICE void add(int64_t pixel, int64_t element, Sums<C, 1>& sums) const {
    const int64_t features = gather.groups * gather.columns;
    const Divided place = divided(element, features);
    const T* from = taken(x, gather, PixelPlace<int64_t>(pixel, gather.axis), KernelRow<int64_t>(place.whole, gather),
                          divided(place.rest, gather.columns).whole);
    if (from) sums.of[0] += static_cast<C>(*from) * static_cast<C>(d_y[pixel * features + place.rest]);
  }
};

/// result [n], from sums in parts [parts, n] added in order.
template <class T> struct FinishKernelGradient {
  const Computed<T>* sums;
  T* result;
  int64_t parts, n;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      Computed<T> total = 0;
      for (int64_t part = 0; part < parts; ++part) total += sums[part * n + i];
      result[i] = static_cast<T>(total);
    }
  }
};

template <class T, int each>
void tiled_gradient(const Gather& gather, const Tensor& x, const Tensor& d_y, Tensor& d_kernel) {
  using C = Computed<T>;
  using Kernel = TiledKernelGradient<T, each>;
  const int64_t n = d_kernel.elements(), features = gather.groups * gather.columns;
  Kernel kernel{};
  kernel.gather = gather;
  kernel.x = x.raw_as<T>();
  kernel.d_y = d_y.raw_as<T>();
  kernel.rows = n / features;
  kernel.row_tiles = (kernel.rows - 1) / conv_rows + 1;
  kernel.column_tiles = (gather.columns - 1) / Kernel::Tile::columns + 1;
  kernel.pixels = gather.pixels();
  auto fours = [](const void* memory, int64_t extent) {
    return extent % 4 == 0 && reinterpret_cast<uintptr_t>(memory) % sizeof(Four<T>) == 0;
  };
  kernel.x_fours = fours(kernel.x, gather.channels);
  kernel.d_y_fours = fours(kernel.d_y, gather.columns);

  // Enough blocks for a large GPU, of parts that are worth it, and no more parts than 256 MiB hold.
  constexpr int64_t enough_blocks = 264, least_length = 256, most_bytes = int64_t{1} << 28;
  const int64_t tiles = kernel.row_tiles * kernel.column_tiles * gather.groups;
  const int64_t wanted = std::max<int64_t>(1, std::min({(enough_blocks - 1) / tiles + 1, kernel.pixels / least_length,
                                                        most_bytes / (n * static_cast<int64_t>(sizeof(C)))}));
  kernel.length = ((kernel.pixels - 1) / wanted / conv_depth + 1) * conv_depth;
  const int64_t parts = (kernel.pixels - 1) / kernel.length + 1;
  Workspace<C> sums(d_kernel.device(), parts * n);
  kernel.sums = sums.data();
  launch_blocks(kernel, parts * tiles, conv_threads, Kernel::Tile::shared_bytes);
  launch(FinishKernelGradient<T>{sums.data(), d_kernel.mutable_raw_as<T>(), parts, n}, blocks_for(n), usual_threads);
}

template <class T> void direct_gradient(const Gather& gather, const Tensor& x, const Tensor& d_y, Tensor& d_kernel) {
  using C = Computed<T>;
  const int64_t n = d_kernel.elements();
  Workspace<C> sums(d_kernel.device(), n);
  column_sums<1>(KernelGradientTerms<T>{gather, x.raw_as<T>(), d_y.raw_as<T>()}, gather.pixels(), n, sums.data(),
                 d_kernel.device());
  launch(FinishKernelGradient<T>{sums.data(), d_kernel.mutable_raw_as<T>(), 1, n}, blocks_for(n), usual_threads);
}

}  // namespace

void own_conv_kernel_gradient(const Gather& gather, const Tensor& x, const Tensor& d_y, Tensor& d_kernel) {
  constexpr int64_t few_columns = 8;
  visit_float(d_kernel.dtype(), [&]<class T>(std::type_identity<T>) {
    if (gather.pixels() == 0 || (gather.groups > 1 && gather.columns <= few_columns) ||
        !gather.is_narrow(d_kernel.elements()))
      direct_gradient<T>(gather, x, d_y, d_kernel);
    else if (gather.columns <= conv_side) tiled_gradient<T, 1>(gather, x, d_y, d_kernel);
    else tiled_gradient<T, 4>(gather, x, d_y, d_kernel);
  });
}

}  // namespace weft::cuda
