#include <weft/autograd/ops/sort.hpp>

#include <limits>

#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/backends/cuda/workspace.hpp>
#include <weft/core/axis_lines.hpp>

// Blocks sort tiles of a line by a bitonic network; sorted runs are then merged two by two, every element finding its
// place by itself. Equal elements are told apart by their indices, which makes both stable.

namespace weft::cuda {
namespace {

constexpr int tile = 1024;

/// Whether `a` has to come before `b`; nothing comes after a NaN but another one.
template <class C> WEFT_DEVICE bool comes_before(C a, C b, bool descending) {
  if (a != a || b != b) return a == a;
  return descending ? a > b : a < b;
}

/// The same with places, of which no two are equal.
template <class C> struct Element {
  C value;
  int32_t place;

  WEFT_DEVICE bool before(const Element& other, bool descending) const {
    if (comes_before(value, other.value, descending)) return true;
    if (comes_before(other.value, value, descending)) return false;
    return place < other.place;
  }
};

/// Where the sorted places of a line go: contiguous lines [lines, n] on the way, the layout of x at last.
struct Places {
  int32_t* to;
  int64_t n, inner;

  WEFT_DEVICE void set(int64_t line, int64_t i, int32_t place) const {
    to[line / inner * n * inner + line % inner + i * inner] = place;
  }
};

template <class T> struct Lines {
  using C = Computed<T>;
  const T* x;
  int64_t n, inner;

  WEFT_DEVICE Element<C> get(int64_t line, int32_t place) const {
    return {static_cast<C>(x[line / inner * n * inner + line % inner + place * inner]), place};
  }
};

/// A block for each tile of each line. Places past the end are sorted last.
template <class T> struct SortTiles {
  using C = Computed<T>;
  Lines<T> lines;
  Places result;
  int64_t tiles;
  bool descending;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    constexpr int32_t nowhere = std::numeric_limits<int32_t>::max();
    auto values = thread.template shared<C>(0, tile);
    auto places = thread.template shared<int32_t>(sizeof(C) * tile, tile);
    const int64_t line = thread.block() / tiles, begin = thread.block() % tiles * tile;
    const int64_t count = lines.n - begin < tile ? lines.n - begin : tile;
    for (int i = thread.index(); i < tile; i += thread.block_size()) {
      const auto place = static_cast<int32_t>(begin + i);
      places[i] = i < count ? place : nowhere;
      values[i] = i < count ? lines.get(line, place).value : C(0);
    }
    for (int size = 2; size <= tile; size *= 2) {
      for (int distance = size / 2; distance > 0; distance /= 2) {
        thread.sync();
        for (int pair = thread.index(); pair < tile / 2; pair += thread.block_size()) {
          const int i = pair / distance * 2 * distance + pair % distance, j = i + distance;
          const Element<C> a{values[i], places[i]}, b{values[j], places[j]};
          const bool b_first = a.place == nowhere || (b.place != nowhere && b.before(a, descending));
          if (b_first != ((i & size) == 0)) continue;
          values[i] = b.value;
          places[i] = b.place;
          values[j] = a.value;
          places[j] = a.place;
        }
      }
    }
    thread.sync();
    for (int i = thread.index(); i < count; i += thread.block_size()) result.set(line, begin + i, places[i]);
  }
};

/// Runs of `width` become runs of twice that.
template <class T> struct MergeRuns {
  Lines<T> lines;
  const int32_t* runs;
  Places result;
  int64_t total, width;
  bool descending;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t t = thread.global_index(); t < total; t += thread.global_size()) {
      const int64_t n = lines.n, line = t / n, i = t % n, run = i / width;
      const int32_t* places = runs + line * n;
      const int64_t other = (run % 2 == 0 ? run + 1 : run - 1) * width;  // the other run's begin
      const int64_t first = run / 2 * 2 * width;
      const auto mine = lines.get(line, places[i]);
      int64_t low = other < n ? other : n, high = other + width < n ? other + width : n;
      const int64_t begin = low;
      while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (lines.get(line, places[middle]).before(mine, descending)) low = middle + 1;
        else high = middle;
      }
      result.set(line, first + (i - run * width) + (low - begin), places[i]);
    }
  }
};

template <class T> void argsort(const KernelCall& call) {
  const auto& op = call.op<op::Argsort>();
  const Tensor& x = call.inputs[0];
  if (x.elements() == 0) return;
  const AxisLines shape(x.shape(), op.axis);
  const Lines<T> lines{x.raw_as<T>(), shape.n, shape.inner};
  const Places last{call.outputs[0].mutable_raw_as<int32_t>(), shape.n, shape.inner};
  const int64_t tiles = (shape.n + tile - 1) / tile;
  Workspace<int32_t> from(x.device(), tiles > 1 ? x.elements() : 0), to = from;
  if (tiles > 2) to = Workspace<int32_t>(x.device(), x.elements());
  launch_blocks(SortTiles<T>{lines, tiles == 1 ? last : Places{from.data(), shape.n, 1}, tiles, op.descending},
                shape.count() * tiles, usual_threads, (sizeof(Computed<T>) + sizeof(int32_t)) * size_t{tile});
  for (int64_t width = tile; width < shape.n; width *= 2) {
    const Places result = 2 * width >= shape.n ? last : Places{to.data(), shape.n, 1};
    launch(MergeRuns<T>{lines, from.data(), result, x.elements(), width, op.descending}, blocks_for(x.elements()),
           usual_threads);
    std::swap(from, to);
  }
}

template <class T> struct SearchPlaces {
  const T *sorted, *values;
  int32_t* result;
  int64_t n, count;
  bool right;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    using C = Computed<T>;
    for (int64_t i = thread.global_index(); i < count; i += thread.global_size()) {
      const C value = static_cast<C>(values[i]);
      int64_t low = 0, high = n;
      while (low < high) {
        const int64_t middle = (low + high) / 2;
        const C element = static_cast<C>(sorted[middle]);
        if (right ? !comes_before(value, element, false) : comes_before(element, value, false)) low = middle + 1;
        else high = middle;
      }
      result[i] = static_cast<int32_t>(low);
    }
  }
};

void argsort_kernel(const KernelCall& call) {
  visit(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) { argsort<T>(call); });
}

void searchsorted_kernel(const KernelCall& call) {
  const Tensor &sorted = call.inputs[0], &values = call.inputs[1];
  visit(sorted.dtype(), [&]<class T>(std::type_identity<T>) {
    launch(SearchPlaces<T>{sorted.raw_as<T>(), values.raw_as<T>(), call.outputs[0].mutable_raw_as<int32_t>(),
                           sorted.elements(), values.elements(), call.op<op::SearchSorted>().right},
           blocks_for(values.elements()), usual_threads);
  });
}

}  // namespace

void register_cuda_sort(KernelTable& table) {
  table.add<op::Argsort>(argsort_kernel, all_types);
  table.add<op::SearchSorted>(searchsorted_kernel, all_types);
}

}  // namespace weft::cuda
