#include <weft/backends/cuda/conv.hpp>

#include <weft/autograd/ops/unary_functors.hpp>
#include <weft/backends/cuda/conv_tile.hpp>

// As a product of matrices, [pixels, taps x channels] . [taps x channels, columns] for each group, whose left factor is
// gathered as it is needed; or, where groups have few columns, one result to a thread.

namespace weft::cuda {
namespace {

template <class T> struct Finish {
  const T* bias;
  bool relu;

  WEFT_DEVICE T operator()(Computed<T> sum, int64_t feature) const {
    if (bias) sum += static_cast<Computed<T>>(bias[feature]);
    return static_cast<T>(relu ? functors::Relu()(sum) : sum);
  }
};

template <class T> Finish<T> finish_of(const ConvFinish& finish) {
  return {finish.bias ? finish.bias->raw_as<T>() : nullptr, finish.relu};
}

/// An axis for the results of one phase: result f + phases j takes from tap first_tap + period t the source's place
/// origin + j step + t tap_step.
struct PhaseAxis {
  int results = 0, taps = 0;
  int origin = 0, step = 0, tap_step = 0;
  int first_kernel = 0, kernel_step = 0;

  PhaseAxis() = default;
  WEFT_DEVICE PhaseAxis(const GatherAxis& axis, int f, int phases, int period) {
    const int from = static_cast<int>(axis.step) * f + static_cast<int>(axis.offset);
    const int divisor = static_cast<int>(axis.divisor), by = static_cast<int>(axis.tap_step);
    const int window = static_cast<int>(axis.window), kernel_stride = static_cast<int>(axis.kernel_stride);
    results = f < axis.result ? (static_cast<int>(axis.result) - 1 - f) / phases + 1 : 0;
    int first = 0;
    while (first < period && (from + first * by) % divisor != 0) ++first;
    taps = first < period && first < window ? (window - 1 - first) / period + 1 : 0;
    origin = (from + first * by) / divisor;
    step = static_cast<int>(phases * axis.step / divisor);
    tap_step = static_cast<int>(period * axis.tap_step / divisor);
    first_kernel = first * kernel_stride;
    kernel_step = period * kernel_stride;
  }
};

/// Which tap and channel stands at a depth of the product.
struct TapPlace {
  int channel, tap[3] = {0, 0, 0};

  WEFT_DEVICE explicit TapPlace(int first) : channel(first) {}
  WEFT_DEVICE void settle(int channels, const PhaseAxis* axis) {
    while (channel >= channels && tap[0] < axis[0].taps) {
      channel -= channels;
      if (++tap[2] < axis[2].taps) continue;
      tap[2] = 0;
      if (++tap[1] < axis[1].taps) continue;
      tap[1] = 0;
      ++tap[0];
    }
  }
  WEFT_DEVICE bool is_last(const PhaseAxis* axis) const { return tap[0] >= axis[0].taps; }
};

template <class T, int each> struct TiledConv {
  using C = Computed<T>;
  using Tile = ConvTile<C, each>;

  Gather gather;
  const T *source, *kernel;
  T* result;
  Finish<T> finish;
  int phases[3], periods[3];
  int channels;
  int64_t row_tiles, column_tiles;  ///< row tiles of the phase that has most
  bool source_fours, kernel_fours;  ///< four channels of the source, four neighbours of the kernel, may be read at once

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const Divided column = divided(thread.block(), column_tiles), row = divided(column.whole, row_tiles),
                  group = divided(row.whole, gather.groups), line = divided(group.whole, phases[2]),
                  plane = divided(line.whole, phases[1]);
    const int phase[3] = {static_cast<int>(plane.whole), static_cast<int>(plane.rest), static_cast<int>(line.rest)};
    PhaseAxis axis[3];
    for (int a = 0; a < 3; ++a) axis[a] = PhaseAxis(gather.axis[a], phase[a], phases[a], periods[a]);
    const int64_t rows = gather.batch * axis[0].results * axis[1].results * axis[2].results;
    const int64_t first_row = row.rest * conv_rows, first_column = column.rest * Tile::columns;
    if (first_row < rows) compute(thread, axis, phase, rows, first_row, first_column, group.rest);
  }

 private:
  /// A result of this phase.
  struct Pixel {
    int64_t entry;
    int at[3];
    WEFT_DEVICE Pixel(int64_t row, const PhaseAxis* axis) {
      const Divided line = divided(row, axis[2].results), plane = divided(line.whole, axis[1].results),
                    batch = divided(plane.whole, axis[0].results);
      entry = batch.whole;
      at[0] = static_cast<int>(batch.rest);
      at[1] = static_cast<int>(plane.rest);
      at[2] = static_cast<int>(line.rest);
    }
  };

  WEFT_DEVICE void compute(const Thread& thread, const PhaseAxis* axis, const int* phase, int64_t rows,
                           int64_t first_row, int64_t first_column, int64_t group) const {
    const int depth = axis[0].taps * axis[1].taps * axis[2].taps * channels;
    Tile tile(thread);
    const int me = thread.index();
    // This thread's part of the left slice: four depths of one row.
    const int left_row = me / 4, left_depth = me % 4 * 4;
    const bool has_row = first_row + left_row < rows;
    const Pixel pixel(has_row ? first_row + left_row : 0, axis);
    int start[3];
    for (int a = 0; a < 3; ++a) start[a] = axis[a].origin + pixel.at[a] * axis[a].step;
    // Of the right slice: four columns of one depth, or four depths of one column, whatever are neighbours.
    const bool along = gather.channel_stride == 1 && gather.column_stride != 1;
    constexpr int column_fours = Tile::columns / 4;
    const int right_depth = along ? me % 4 * 4 : me / column_fours,
              right_column = along ? me / 4 : me % column_fours * 4;
    const bool has_right = along ? right_column < Tile::columns : right_depth < conv_depth;

    TapPlace left(left_depth), right(right_depth);
    FourHeld<C> left_held, right_held;
    auto fetch = [&] {
      if (has_row) left_held = gathered(left, axis, pixel.entry, start, group);
      if (has_right) right_held = weights(right, axis, first_column + right_column, along, group);
      left.channel += conv_depth;
      right.channel += conv_depth;
    };
    if (depth > 0) fetch();
    for (int at = 0; at < depth; at += conv_depth) {
      tile.put_row(left_depth, left_row, left_held, true);
      if (has_right) tile.put_column(right_depth, right_column, right_held, along);
      thread.sync();
      if (at + conv_depth < depth) fetch();
      tile.multiply();
      thread.sync();
    }

    tile.for_each([&](int i, int j, C sum) {
      const int64_t row = first_row + i, column = first_column + j;
      if (row >= rows || column >= gather.columns) return;
      const Pixel to(row, axis);
      int64_t flat = to.entry;
      for (int a = 0; a < 3; ++a) flat = flat * gather.axis[a].result + to.at[a] * phases[a] + phase[a];
      const int64_t feature = group * gather.columns + column;
      result[flat * gather.groups * gather.columns + feature] = finish(sum, feature);
    });
  }

  /// Four values of the left factor from `place` on, which is settled on the way.
  WEFT_DEVICE FourHeld<C> gathered(TapPlace& place, const PhaseAxis* axis, int64_t entry, const int* start,
                                   int64_t group) const {
    place.settle(channels, axis);
    if (source_fours) {  // then the four share a tap
      const T* from = source_at(place, axis, entry, start, group);
      return from ? read_four<C>(from, true) : FourHeld<C>();
    }
    FourHeld<C> held;
    TapPlace next = place;
    for (int j = 0; j < 4; ++j, ++next.channel) {
      next.settle(channels, axis);
      const T* from = source_at(next, axis, entry, start, group);
      if (from) held.values[j] = static_cast<C>(*from);
    }
    return held;
  }

  /// Null for what lies outside the source, or past the last tap.
  WEFT_DEVICE const T* source_at(const TapPlace& place, const PhaseAxis* axis, int64_t entry, const int* start,
                                 int64_t group) const {
    if (place.is_last(axis)) return nullptr;
    int64_t flat = entry;
    bool inside = true;
    for (int a = 0; a < 3; ++a) {
      const int at = start[a] + place.tap[a] * axis[a].tap_step;
      inside = inside && at >= 0 && at < static_cast<int>(gather.axis[a].source);
      flat = flat * gather.axis[a].source + at;
    }
    return inside ? source + (flat * gather.groups + group) * gather.channels + place.channel : nullptr;
  }

  /// Four values of the kernel, neighbours in depth (`along`) or in columns.
  WEFT_DEVICE FourHeld<C> weights(TapPlace& place, const PhaseAxis* axis, int64_t column, bool along,
                                  int64_t group) const {
    place.settle(channels, axis);
    const int64_t last_column = along ? column : column + 3;
    const T* first = kernel + group * gather.group_stride + column * gather.column_stride;
    if (kernel_fours && last_column < gather.columns)
      return place.is_last(axis) ? FourHeld<C>() : read_four<C>(first + weight_at(place, axis), true);
    FourHeld<C> held;
    TapPlace next = place;
    for (int j = 0; j < 4; ++j) {
      const int64_t ahead = along ? 0 : j;
      if (along && j > 0) {
        ++next.channel;
        next.settle(channels, axis);
      }
      if (column + ahead < gather.columns && !next.is_last(axis))
        held.values[j] = static_cast<C>(first[weight_at(next, axis) + ahead * gather.column_stride]);
    }
    return held;
  }

  WEFT_DEVICE int weight_at(const TapPlace& place, const PhaseAxis* axis) const {
    int at = place.channel * static_cast<int>(gather.channel_stride);
    for (int a = 0; a < 3; ++a) at += axis[a].first_kernel + place.tap[a] * axis[a].kernel_step;
    return at;
  }
};

/// One result to a thread, neighbouring features to neighbouring threads.
template <class T> struct DirectConv {
  using C = Computed<T>;
  Gather gather;
  const T *source, *kernel;
  T* result;
  Finish<T> finish;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const int64_t features = gather.groups * gather.columns, n = gather.pixels() * features;
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      const Divided row = divided(i, features), group = divided(row.rest, gather.columns),
                    line = divided(row.whole, gather.axis[2].result),
                    plane = divided(line.whole, gather.axis[1].result),
                    entry = divided(plane.whole, gather.axis[0].result);
      const int64_t at[3] = {entry.rest, plane.rest, line.rest};
      const T* from = source + group.whole * gather.channels;
      const T* weights = kernel + group.whole * gather.group_stride + group.rest * gather.column_stride;
      result[i] = finish(sum(from, weights, entry.whole, at), row.rest);
    }
  }

 private:
  WEFT_DEVICE C sum(const T* from, const T* weights, int64_t entry, const int64_t* at) const {
    const GatherAxis* axis = gather.axis;
    C total = 0;
    for (int64_t t = 0; t < axis[0].window; ++t) {
      const int64_t i = axis[0].place<int64_t>(at[0], t);
      if (i < 0) continue;
      for (int64_t u = 0; u < axis[1].window; ++u) {
        const int64_t j = axis[1].place<int64_t>(at[1], u);
        if (j < 0) continue;
        for (int64_t v = 0; v < axis[2].window; ++v) {
          const int64_t k = axis[2].place<int64_t>(at[2], v);
          if (k < 0) continue;
          const int64_t pixel = ((entry * axis[0].source + i) * axis[1].source + j) * axis[2].source + k;
          const int64_t tap = t * axis[0].kernel_stride + u * axis[1].kernel_stride + v * axis[2].kernel_stride;
          for (int64_t c = 0; c < gather.channels; ++c)
            total += static_cast<C>(from[pixel * gather.groups * gather.channels + c]) *
                     static_cast<C>(weights[tap + c * gather.channel_stride]);
        }
      }
    }
    return total;
  }
};

bool aligned(const void* memory, size_t to) { return reinterpret_cast<uintptr_t>(memory) % to == 0; }

template <class T, int each>
void tiled_conv(const Gather& gather, const Tensor& source, const Tensor& kernel, Tensor& result,
                const ConvFinish& finish) {
  TiledConv<T, each> conv{};
  conv.gather = gather;
  conv.source = source.raw_as<T>();
  conv.kernel = kernel.raw_as<T>();
  conv.result = result.mutable_raw_as<T>();
  conv.finish = finish_of<T>(finish);
  conv.channels = static_cast<int>(gather.channels);
  int64_t rows = gather.batch, phases = 1;
  for (int a = 0; a < 3; ++a) {
    conv.phases[a] = static_cast<int>(gather.axis[a].phases());
    conv.periods[a] = static_cast<int>(gather.axis[a].tap_period());
    rows *= (gather.axis[a].result - 1) / conv.phases[a] + 1;
    phases *= conv.phases[a];
  }
  conv.row_tiles = (rows - 1) / conv_rows + 1;
  conv.column_tiles = (gather.columns - 1) / TiledConv<T, each>::Tile::columns + 1;
  const bool channel_fours = gather.channels % 4 == 0;
  conv.source_fours = channel_fours && aligned(conv.source, sizeof(Four<T>));
  // The strides of the kernel but one are multiples of its last extent, groups x columns forward and the channels back.
  conv.kernel_fours =
      aligned(conv.kernel, sizeof(Four<T>)) && (gather.column_stride == 1 ? gather.columns % 4 == 0 : channel_fours);
  launch_blocks(conv, phases * gather.groups * conv.row_tiles * conv.column_tiles, conv_threads,
                TiledConv<T, each>::Tile::shared_bytes);
}

template <class T> struct FinishInPlace {
  T* y;
  int64_t n, features;
  Finish<T> finish;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size())
      y[i] = finish(static_cast<Computed<T>>(y[i]), divided(i, features).rest);
  }
};

}  // namespace

void own_conv(const Gather& gather, const Tensor& source, const Tensor& kernel, Tensor& result,
              const ConvFinish& finish) {
  // Tiles would be next to empty, or each block look long for its phase's taps.
  constexpr int64_t few_columns = 8, most_phases = 256;
  bool direct = (gather.groups > 1 && gather.columns <= few_columns) || !gather.is_narrow(kernel.elements());
  for (const GatherAxis& axis : gather.axis) direct = direct || axis.divisor > most_phases;
  visit_float(result.dtype(), [&]<class T>(std::type_identity<T>) {
    if (direct)
      launch(DirectConv<T>{gather, source.raw_as<T>(), kernel.raw_as<T>(), result.mutable_raw_as<T>(),
                           finish_of<T>(finish)},
             blocks_for(result.elements()), usual_threads);
    else if (gather.columns <= conv_side) tiled_conv<T, 1>(gather, source, kernel, result, finish);
    else tiled_conv<T, 4>(gather, source, kernel, result, finish);
  });
}

void finish_conv(Tensor& y, const ConvFinish& finish) {
  if (!finish.bias && !finish.relu) return;
  visit_float(y.dtype(), [&]<class T>(std::type_identity<T>) {
    launch(FinishInPlace<T>{y.mutable_raw_as<T>(), y.elements(), y.shape().back(), finish_of<T>(finish)},
           blocks_for(y.elements()), usual_threads);
  });
}

}  // namespace weft::cuda
