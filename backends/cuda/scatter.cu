#include <weft/autograd/ops/scatter.hpp>

#include <algorithm>
#include <bit>

#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/index_math.hpp>
#include <weft/backends/cuda/move.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/core/axis_lines.hpp>

// Every place of the result has one thread, which takes in its updates in index order: no atomics, the same bits on
// every run, and those of the CPU.

namespace weft::cuda {
namespace {

struct Add {
  template <class T> WEFT_DEVICE static T combine(T old, T update) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
      return static_cast<T>(static_cast<uint64_t>(old) + static_cast<uint64_t>(update));  // wraps around
    else return static_cast<T>(old + update);
  }
};
struct Set {
  template <class T> WEFT_DEVICE static T combine(T, T update) { return update; }
};
struct Max {
  template <class T> WEFT_DEVICE static T combine(T old, T update) {
    return update > old || update != update ? update : old;
  }
};

/// x and its result as [outer, extent, width], of which a block has `range` places of the axis and `stripe` columns.
struct Shares {
  int64_t outer, extent, width;
  int64_t range, ranges, stripes;
  int stripe;  ///< a power of two, so that a block is made of whole groups of so many threads

  static constexpr int64_t room = 32 << 10;  ///< bytes of shared memory for a block's places

  Shares(int64_t outers, int64_t places, int64_t columns, int64_t item)
      : outer(outers), extent(places), width(columns) {
    stripe = static_cast<int>(std::bit_ceil(static_cast<uint64_t>(std::clamp<int64_t>(width, 1, usual_threads))));
    stripes = (width + stripe - 1) / stripe;
    // As many blocks as fill a large GPU, fewer places to each where there are fewer.
    const int64_t blocks = std::max<int64_t>(1, 1024 / std::max<int64_t>(1, outer * stripes));
    range = std::clamp<int64_t>((extent + blocks - 1) / blocks, 1, room / (stripe * item));
    ranges = (extent + range - 1) / range;
  }
  int64_t blocks() const { return outer * ranges * stripes; }
};

/// Indices that a block looks at in one go: four to a thread.
constexpr int tile = 4 * usual_threads;
constexpr int tile_masks = tile / warp_size;

/// The block's places are in shared memory. It looks at all indices, a tile at a time, lists those that are its own in
/// order, and then every thread goes through the list for its column of every so many places.
template <class T, class Combine> struct ScatterRows {
  using A = Computed<T>;
  const T *x, *updates;
  Indices indices;
  T* result;
  int64_t count, index_step, step;
  /// Outer task o begins at element o / inner * (extent or count) * step + o % inner; without `along`, all share the
  /// indices.
  int64_t inner;
  bool along;
  OutOfRange mode;
  Shares shares;
  Walk<1> walk;  ///< over x

  static size_t shared_bytes(const Shares& shares) {
    return places_bytes(shares) + sizeof(uint32_t) * 2 * tile_masks + sizeof(int32_t) * tile;
  }

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const Divided by_stripe = divided(thread.block(), shares.stripes),
                  by_range = divided(by_stripe.whole, shares.ranges), by_inner = divided(by_range.whole, inner);
    const int stripe = shares.stripe, groups = thread.block_size() / stripe;
    const int group = thread.index() / stripe, column = thread.index() % stripe;
    const int64_t first = by_stripe.rest * stripe + column, least = by_range.rest * shares.range;
    const bool active = first < shares.width;
    const int rows = static_cast<int>(least + shares.range < shares.extent ? shares.range : shares.extent - least);
    auto places = thread.template shared<A>(0, static_cast<int>(shares.range) * stripe);
    const int64_t target = (by_inner.whole * shares.extent + least) * step + by_inner.rest + first;
    for (int row = group; row < rows && active; row += groups)
      places[row * stripe + column] = static_cast<A>(x[walk.places(target + row * step).at[0]]);

    auto list = thread.template shared<int32_t>(places_bytes(shares) + sizeof(uint32_t) * 2 * tile_masks, tile);
    const int64_t updates_at = by_inner.whole * count * step + by_inner.rest + first;
    const int64_t indices_at = along ? by_inner.whole * count * step + by_inner.rest : 0;
    for (int64_t begin = 0, turn = 0; begin < count; begin += tile, ++turn) {
      const int listed = find(thread, begin, indices_at, least, rows, static_cast<int>(turn % 2), list);
      if (listed == 0) continue;
      thread.sync();
      if (!active) continue;
      for (int e = 0; e < listed; e += 4) {  // four updates are on their way at once
        int row[4];
        A update[4] = {};
        for (int j = 0; j < 4; ++j) {
          const int entry = e + j < listed ? static_cast<int>(list[e + j]) : -1;
          row[j] = entry < 0 || (entry / tile & (groups - 1)) != group ? -1 : entry / tile;
          if (row[j] >= 0) update[j] = static_cast<A>(updates[updates_at + (begin + entry % tile) * step]);
        }
        for (int j = 0; j < 4; ++j)
          if (row[j] >= 0) {
            const int at = row[j] * stripe + column;
            places[at] = Combine::combine(static_cast<A>(places[at]), update[j]);
          }
      }
    }
    for (int row = group; row < rows && active; row += groups)
      result[target + row * step] = static_cast<T>(static_cast<A>(places[row * stripe + column]));
  }

 private:
  WEFT_HOST_DEVICE static size_t places_bytes(const Shares& shares) {
    return (sizeof(A) * static_cast<size_t>(shares.range * shares.stripe) + 15) / 16 * 16;
  }

  /// Lists those of indices begin .. begin + tile - 1 that mean one of `rows` places from `least` on, in order, as
  /// row * tile + number in the tile; returns how many. The masks take turns, so that one barrier is enough.
  template <class List>
  WEFT_DEVICE int find(const Thread& thread, int64_t begin, int64_t indices_at, int64_t least, int rows, int turn,
                       const List& list) const {
    auto masks = thread.template shared<uint32_t>(places_bytes(shares), 2 * tile_masks);
    const int warps = tile_masks / 4;
    int row[4];
    uint32_t mask[4];
    for (int k = 0; k < 4; ++k) {
      const int64_t i = begin + k * usual_threads + thread.index();
      row[k] = -1;
      if (i < count) {
        const int64_t place = resolve_index(indices[indices_at + i * index_step], shares.extent, mode) - least;
        if (place >= 0 && place < rows) row[k] = static_cast<int>(place);
      }
      mask[k] = thread.ballot(row[k] >= 0);
      if (thread.lane() == 0) masks[turn * tile_masks + k * warps + thread.warp()] = mask[k];
    }
    thread.sync();
    int listed = 0, before[4] = {};
    for (int k = 0; k < 4; ++k)
      for (int warp = 0; warp < warps; ++warp) {
        if (warp == thread.warp()) before[k] = listed;
        listed += count_bits(masks[turn * tile_masks + k * warps + warp]);
      }
    const uint32_t below = (uint32_t{1} << thread.lane()) - 1;
    for (int k = 0; k < 4; ++k)
      if (row[k] >= 0)
        list[before[k] + count_bits(mask[k] & below)] = row[k] * tile + k * usual_threads + thread.index();
    return listed;
  }
};

/// A column [outer, j] of the result, which is x already, to a thread.
template <class T, class Combine> struct ScatterColumns {
  const T* updates;
  Indices indices;
  T* result;
  int64_t columns, count, extent, inner;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t column = thread.global_index(); column < columns; column += thread.global_size()) {
      const Divided at = divided(column, inner);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t from = (at.whole * count + i) * inner + at.rest;
        const int64_t place = resolve_index(indices[from], extent, OutOfRange::error);
        if (place < 0) continue;
        T& value = result[(at.whole * extent + place) * inner + at.rest];
        value = Combine::combine(value, updates[from]);
      }
    }
  }
};

/// The indices [count] of an axis, or those [outer, count, inner] of each element along it.
template <class T, class Combine> void scatter_rows(const KernelCall& call, int axis, OutOfRange mode, bool along) {
  const Tensor &x = call.inputs[0], indices = call.inputs[1].contiguous(), updates = call.inputs[2].contiguous();
  const AxisLines lines(x.shape(), axis);
  const int64_t inner = along ? lines.inner : 1;
  const Shares shares(lines.outer * inner, lines.n, lines.inner / std::max<int64_t>(1, inner),
                      static_cast<int64_t>(sizeof(Computed<T>)));
  using Kernel = ScatterRows<T, Combine>;
  launch_blocks(Kernel{.x = x.raw_as<T>(),
                       .updates = updates.raw_as<T>(),
                       .indices = indices_of(indices),
                       .result = call.outputs[0].mutable_raw_as<T>(),
                       .count = along ? indices.shape()[axis] : indices.elements(),
                       .index_step = inner,
                       .step = lines.inner,
                       .inner = inner,
                       .along = along,
                       .mode = mode,
                       .shares = shares,
                       .walk = make_walk<1>(x.shape(), {x.strides()})},
                shares.blocks(), usual_threads, Kernel::shared_bytes(shares));
}

template <class T, class Combine> void scatter_columns(const KernelCall& call, int axis) {
  const Tensor indices = call.inputs[1].contiguous(), updates = call.inputs[2].contiguous();
  Tensor& out = call.outputs[0];
  const AxisLines lines(out.shape(), axis);
  move_elements(call.inputs[0], out);
  launch(ScatterColumns<T, Combine>{updates.raw_as<T>(), indices_of(indices), out.mutable_raw_as<T>(), lines.count(),
                                    indices.shape()[axis], lines.n, lines.inner},
         blocks_for(lines.count()), usual_threads);
}

void scatter_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Scatter>();
  const DType dtype = call.outputs[0].dtype();
  if (op.kind == ScatterKind::set)
    visit_size(dtype, [&]<class T>(std::type_identity<T>) { scatter_rows<T, Set>(call, op.axis, op.mode, false); });
  else visit(dtype, [&]<class T>(std::type_identity<T>) { scatter_rows<T, Add>(call, op.axis, op.mode, false); });
}

void scatter_max_kernel(const KernelCall& call) {
  const auto& op = call.op<op::ScatterMax>();
  visit(call.outputs[0].dtype(),
        [&]<class T>(std::type_identity<T>) { scatter_rows<T, Max>(call, op.axis, op.mode, false); });
}

template <class T, class Combine> void scatter_elements(const KernelCall& call, int axis) {
  const AxisLines lines(call.outputs[0].shape(), axis);
  // Neighbouring columns make threads enough, and read together; a long column alone is a block's.
  const bool rows = call.inputs[1].shape()[axis] > 64 && lines.inner < warp_size;
  if (rows) scatter_rows<T, Combine>(call, axis, OutOfRange::error, true);
  else scatter_columns<T, Combine>(call, axis);
}

void scatter_along_axis_kernel(const KernelCall& call) {
  const auto& op = call.op<op::ScatterAlongAxis>();
  const DType dtype = call.outputs[0].dtype();
  if (op.kind == ScatterKind::set)
    return visit_size(dtype, [&]<class T>(std::type_identity<T>) { scatter_elements<T, Set>(call, op.axis); });
  if (dtype == DType::boolean) return scatter_elements<bool, Add>(call, op.axis);
  visit_wide_number(dtype, [&]<class T>(std::type_identity<T>) { scatter_elements<T, Add>(call, op.axis); });
}

}  // namespace

void register_cuda_scatter(KernelTable& table) {
  table.add<op::Scatter>(scatter_kernel, all_types, true);
  table.add<op::ScatterMax>(scatter_max_kernel, all_types, true);
  // Halves are added up in float32, which a column in memory could not.
  table.add<op::ScatterAlongAxis>(scatter_along_axis_kernel, wide_types, true);
}

}  // namespace weft::cuda
