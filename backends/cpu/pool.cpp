#include <weft/autograd/ops/pool_windows.hpp>

#include <algorithm>
#include <limits>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/scratch.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/parallel.hpp>

namespace weft {
namespace {

/// Calls f(flat place) for all of a box, in row-major order.
template <class F> void for_each_in(const PoolBox& box, F&& f) {
  for (int64_t i = box.begin[0]; i < box.end[0]; ++i)
    for (int64_t j = box.begin[1]; j < box.end[1]; ++j)
      for (int64_t k = box.begin[2]; k < box.end[2]; ++k) f(box.flat(i, j, k));
}

/// Calls f(entry, row) for `rows` rows of features in every entry of the batch, some to a task; each row of results
/// takes `reads` rows.
template <class F> void for_each_row(const Pool3& pool, int64_t rows, int64_t reads, F&& f) {
  if (rows == 0) return;
  const int64_t chunk = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, pool.features * reads));
  parallel_chunks(pool.batch * rows, chunk, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i / rows, i % rows);
  });
}

template <class Tap> Tap* pool_scratch(int64_t most) {
  return static_cast<Tap*>(
      cpu::scratch_bytes(cpu::ScratchUse::pool_taps, (most + 1) * static_cast<int64_t>(sizeof(Tap))));
}

/// For float and double, with places that these hold exactly.
template <class T> void extreme_of_floats(const Pool3& pool, bool minimum, const T* x, T* y, int32_t* places) {
  const int64_t c = pool.features, per_entry = pool.position_count();
  for_each_row(pool, per_entry, pool.window_size(), [&](int64_t entry, int64_t position) {
    auto* taps = pool_scratch<cpu::PoolTap<T>>(pool.window_size());
    int64_t count = 0;
    for_each_in(pool.window_at(position), [&](int64_t place) {
      taps[count++] = {x + (entry * pool.space_size() + place) * c, static_cast<T>(place)};
    });
    const int64_t at = (entry * per_entry + position) * c;
    if (count > 0) return cpu::isa_kernels().pool.of<T>().extreme(taps, count, c, minimum, y + at, places + at);
    std::fill_n(y + at, c, std::numeric_limits<T>::infinity() * (minimum ? T(1) : T(-1)));
    std::fill_n(places + at, c, -1);
  });
}

template <bool minimum, class T> void extreme(const Pool3& pool, const T* x, T* y, int32_t* places) {
  using Limits = std::numeric_limits<T>;
  constexpr T largest = Limits::has_infinity ? Limits::infinity() : Limits::max();
  constexpr T smallest = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  const int64_t c = pool.features, per_entry = pool.position_count();
  for_each_row(pool, per_entry, pool.window_size(), [&](int64_t entry, int64_t position) {
    T* best = y + (entry * per_entry + position) * c;
    int32_t* best_place = places + (entry * per_entry + position) * c;
    bool first = true;
    for_each_in(pool.window_at(position), [&](int64_t place) {
      const T* values = x + (entry * pool.space_size() + place) * c;
      const auto here = static_cast<int32_t>(place);
      if (first) {
        std::copy_n(values, c, best);
        std::fill_n(best_place, c, here);
        first = false;
        return;
      }
      for (int64_t i = 0; i < c; ++i) {
        const T value = values[i], old = best[i];
        // The first of equal ones, and the first NaN, stays.
        const bool better = (minimum ? value < old : value > old) || (value != value && old == old);
        best[i] = better ? value : old;
        best_place[i] = better ? here : best_place[i];
      }
    });
    if (first) {
      std::fill_n(best, c, minimum ? largest : smallest);
      std::fill_n(best_place, c, -1);
    }
  });
}

void extreme_kernel(const KernelCall& call) {
  const auto& op = call.op<op::ExtremePool>();
  const Tensor& x = call.inputs[0];
  const Pool3 pool(op.geometry, x.shape(), call.outputs[0].shape());
  visit_wide_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    T* y = call.outputs[0].mutable_raw_as<T>();
    int32_t* places = call.outputs[1].mutable_raw_as<int32_t>();
    if constexpr (std::is_floating_point_v<T>)
      if (pool.space_size() <= int64_t{1} << std::numeric_limits<T>::digits)
        return extreme_of_floats(pool, op.minimum, x.raw_as<T>(), y, places);
    if (op.minimum) extreme<true>(pool, x.raw_as<T>(), y, places);
    else extreme<false>(pool, x.raw_as<T>(), y, places);
  });
}

/// Entries of the batch and blocks of features are independent of each other: f(entry, first feature, last feature).
template <class F> void for_each_entry(int64_t batch, int64_t features, F&& f) {
  constexpr int64_t block = 64;
  const int64_t blocks = (features + block - 1) / block;
  parallel_for(batch * blocks, [&](int64_t task) {
    const int64_t begin = task % blocks * block;
    f(task / blocks, begin, std::min(features, begin + block));
  });
}

/// Every element of x looks through the windows that it belongs to.
void scatter_kernel(const KernelCall& call) {
  const auto& op = call.op<op::PoolScatter>();
  Tensor& x = call.outputs[0];
  const Pool3 pool(op.geometry, x.shape(), call.inputs[1].shape());
  const int64_t c = pool.features, space = pool.space_size(), per_entry = pool.position_count();
  const int32_t* places = call.inputs[1].raw_as<int32_t>();
  visit_wide_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* values = call.inputs[0].raw_as<T>();
    T* target = x.mutable_raw_as<T>();
    for_each_row(pool, space, pool.overlap() + 1, [&](int64_t entry, int64_t place) {
      auto* sources = pool_scratch<cpu::PoolSource<T>>(pool.overlap());
      int64_t count = 0;
      for_each_in(pool.windows_of(place), [&](int64_t position) {
        const int64_t at = (entry * per_entry + position) * c;
        sources[count++] = {values + at, places + at};
      });
      T* to = target + (entry * space + place) * c;
      if constexpr (std::is_floating_point_v<T>) {
        cpu::isa_kernels().pool.of<T>().scatter(sources, count, c, static_cast<int32_t>(place), to);
      } else {
        std::fill_n(to, c, T(0));
        for (int64_t s = 0; s < count; ++s)
          for (int64_t i = 0; i < c; ++i) to[i] += sources[s].places[i] == place ? sources[s].values[i] : T(0);
      }
    });
  });
}

void gather_kernel(const KernelCall& call) {
  const Tensor &x = call.inputs[0], &places = call.inputs[1];
  Tensor& y = call.outputs[0];
  const int64_t features = x.shape().back(), space = x.shape().slice(1, x.rank() - 1).elements();
  const int64_t positions = places.shape().slice(1, places.rank() - 1).elements();
  visit_wide_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    for_each_entry(x.shape()[0], features, [&](int64_t entry, int64_t begin, int64_t end) {
      const T* source = x.raw_as<T>() + entry * space * features;
      for (int64_t position = 0; position < positions; ++position) {
        const int64_t row = (entry * positions + position) * features;
        for (int64_t i = begin; i < end; ++i) {
          const int64_t place = places.raw_as<int32_t>()[row + i];
          y.mutable_raw_as<T>()[row + i] = place >= 0 ? source[place * features + i] : T(0);
        }
      }
    });
  });
}

/// The sum of the rows at taps[0 : count].
template <class T> void sum_taps(const cpu::PoolTap<T>* taps, int64_t count, int64_t features, T* y) {
  if constexpr (std::is_floating_point_v<T>) {
    cpu::isa_kernels().pool.of<T>().sum(taps, count, features, y);
  } else {
    std::fill_n(y, features, T(0));
    for (int64_t t = 0; t < count; ++t)
      for (int64_t i = 0; i < features; ++i) y[i] += taps[t].x[i];
  }
}

void sum_kernel(const KernelCall& call) {
  const Tensor& x = call.inputs[0];
  const Pool3 pool(call.op<op::SumPool>().geometry, x.shape(), call.outputs[0].shape());
  visit_wide_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* from = x.raw_as<T>();
    T* y = call.outputs[0].mutable_raw_as<T>();
    const int64_t c = pool.features, per_entry = pool.position_count();
    for_each_row(pool, per_entry, pool.window_size(), [&](int64_t entry, int64_t position) {
      auto* taps = pool_scratch<cpu::PoolTap<T>>(pool.window_size());
      int64_t count = 0;
      for_each_in(pool.window_at(position), [&](int64_t place) {
        taps[count++] = {from + (entry * pool.space_size() + place) * c, T(0)};
      });
      sum_taps(taps, count, c, y + (entry * per_entry + position) * c);
    });
  });
}

/// Every element of x sums the windows that it belongs to.
void sum_grad_kernel(const KernelCall& call) {
  const Tensor& d_y = call.inputs[0];
  Tensor& x = call.outputs[0];
  const Pool3 pool(call.op<op::SumPoolGrad>().geometry, x.shape(), d_y.shape());
  visit_wide_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* from = d_y.raw_as<T>();
    T* target = x.mutable_raw_as<T>();
    const int64_t c = pool.features, per_entry = pool.position_count();
    for_each_row(pool, pool.space_size(), pool.overlap() + 1, [&](int64_t entry, int64_t place) {
      auto* taps = pool_scratch<cpu::PoolTap<T>>(pool.overlap());
      int64_t count = 0;
      for_each_in(pool.windows_of(place), [&](int64_t position) {
        taps[count++] = {from + (entry * per_entry + position) * c, T(0)};
      });
      sum_taps(taps, count, c, target + (entry * pool.space_size() + place) * c);
    });
  });
}

}  // namespace

void register_cpu_pool(KernelTable& table) {
  table.add<op::ExtremePool>(extreme_kernel, wide_numbers);
  table.add<op::PoolScatter>(scatter_kernel, wide_numbers);
  table.add<op::PoolGather>(gather_kernel, wide_numbers);
  table.add<op::SumPool>(sum_kernel, wide_numbers);
  table.add<op::SumPoolGrad>(sum_grad_kernel, wide_numbers);
}

}  // namespace weft
