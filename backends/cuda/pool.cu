#include <weft/autograd/ops/pool.hpp>

#include <limits>

#include <weft/autograd/ops/pool_windows.hpp>
#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/table.hpp>

// One element of the result to a thread, neighbouring features to neighbouring threads. Gradients look from x's side
// through the windows that an element belongs to, so that nothing is added up by two threads.

namespace weft::cuda {
namespace {

/// Calls f(flat place) for all of a box, in row-major order.
template <class F> WEFT_DEVICE void for_each_in(const PoolBox& box, const F& f) {
  for (int64_t i = box.begin[0]; i < box.end[0]; ++i)
    for (int64_t j = box.begin[1]; j < box.end[1]; ++j)
      for (int64_t k = box.begin[2]; k < box.end[2]; ++k) f(box.flat(i, j, k));
}

/// Element i of an array [batch, size, features].
struct PoolPlace {
  int64_t entry, place, feature;
  WEFT_DEVICE PoolPlace(int64_t i, int64_t size, int64_t features) {
    const Divided row = divided(i, features), at = divided(row.whole, size);
    entry = at.whole;
    place = at.rest;
    feature = row.rest;
  }
};

template <class T> struct ExtremeWindow {
  using C = Computed<T>;
  Pool3 pool;
  const T* x;
  T* y;
  int32_t* places;
  int64_t n;
  C worst;  ///< what a window of padding alone gives
  bool minimum;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      const PoolPlace at(i, pool.position_count(), pool.features);
      const T* from = x + at.entry * pool.space_size() * pool.features + at.feature;
      C best = worst;
      int64_t best_place = -1;
      for_each_in(pool.window_at(at.place), [&](int64_t place) {
        const C value = static_cast<C>(from[place * pool.features]);
        // The first of equal ones, and the first NaN, stays.
        const bool better = (minimum ? value < best : value > best) || (value != value && best == best);
        if (better || best_place < 0) {
          best = value;
          best_place = place;
        }
      });
      y[i] = static_cast<T>(best);
      places[i] = static_cast<int32_t>(best_place);
    }
  }
};

void extreme_kernel(const KernelCall& call) {
  const auto& op = call.op<op::ExtremePool>();
  const Tensor& x = call.inputs[0];
  Tensor& y = call.outputs[0];
  const Pool3 pool(op.geometry, x.shape(), y.shape());
  auto run = [&]<class T>(std::type_identity<T>) {
    using C = Computed<T>;
    using Limits = std::numeric_limits<C>;
    const C largest = Limits::has_infinity ? Limits::infinity() : Limits::max();
    const C smallest = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    launch(ExtremeWindow<T>{pool, x.raw_as<T>(), y.mutable_raw_as<T>(), call.outputs[1].mutable_raw_as<int32_t>(),
                            y.elements(), op.minimum ? largest : smallest, op.minimum},
           blocks_for(y.elements()), usual_threads);
  };
  if (is_integer(x.dtype())) visit_integer(x.dtype(), run);
  else visit_float(x.dtype(), run);
}

/// The sum of a window of x, or of the cotangents of all windows that an element belongs to: `back` says which. With
/// `places`, only of those windows whose place is this element.
template <class T, bool back> struct WindowSum {
  using C = Computed<T>;
  Pool3 pool;
  const T* from;
  T* result;
  const int32_t* places;
  int64_t n;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const int64_t size = back ? pool.space_size() : pool.position_count();
    const int64_t from_size = back ? pool.position_count() : pool.space_size();
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      const PoolPlace at(i, size, pool.features);
      const int64_t first = at.entry * from_size * pool.features + at.feature;
      C sum = 0;
      for_each_in(back ? pool.windows_of(at.place) : pool.window_at(at.place), [&](int64_t other) {
        const int64_t source = first + other * pool.features;
        if (!places || places[source] == at.place) sum += static_cast<C>(from[source]);
      });
      result[i] = static_cast<T>(sum);
    }
  }
};

template <bool back> void sum_windows(const KernelCall& call, const Pool3& pool, const int32_t* places) {
  const Tensor& from = call.inputs[0];
  Tensor& result = call.outputs[0];
  auto run = [&]<class T>(std::type_identity<T>) {
    launch(WindowSum<T, back>{pool, from.raw_as<T>(), result.mutable_raw_as<T>(), places, result.elements()},
           blocks_for(result.elements()), usual_threads);
  };
  if (is_integer(from.dtype())) visit_integer(from.dtype(), run);
  else visit_float(from.dtype(), run);
}

void sum_kernel(const KernelCall& call) {
  sum_windows<false>(call, Pool3(call.op<op::SumPool>().geometry, call.inputs[0].shape(), call.outputs[0].shape()),
                     nullptr);
}

void sum_grad_kernel(const KernelCall& call) {
  sum_windows<true>(call, Pool3(call.op<op::SumPoolGrad>().geometry, call.outputs[0].shape(), call.inputs[0].shape()),
                    nullptr);
}

void scatter_kernel(const KernelCall& call) {
  sum_windows<true>(call, Pool3(call.op<op::PoolScatter>().geometry, call.outputs[0].shape(), call.inputs[1].shape()),
                    call.inputs[1].raw_as<int32_t>());
}

/// What stands at a window's place; 0 without one.
template <class T> struct PickPlaces {
  const T* x;
  const int32_t* places;
  T* y;
  int64_t n, features, space, positions;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      const PoolPlace at(i, positions, features);
      const int64_t place = places[i];
      y[i] = place >= 0 ? x[(at.entry * space + place) * features + at.feature] : T(0);
    }
  }
};

void gather_kernel(const KernelCall& call) {
  const Tensor &x = call.inputs[0], &places = call.inputs[1];
  visit_size(x.dtype(), [&]<class T>(std::type_identity<T>) {
    launch(PickPlaces<T>{x.raw_as<T>(), places.raw_as<int32_t>(), call.outputs[0].mutable_raw_as<T>(),
                         places.elements(), x.shape().back(), x.shape().slice(1, x.rank() - 1).elements(),
                         places.shape().slice(1, places.rank() - 1).elements()},
           blocks_for(places.elements()), usual_threads);
  });
}

}  // namespace

void register_cuda_pool(KernelTable& table) {
  table.add<op::ExtremePool>(extreme_kernel, all_numbers);
  table.add<op::PoolScatter>(scatter_kernel, all_numbers);
  table.add<op::PoolGather>(gather_kernel, all_numbers);
  table.add<op::SumPool>(sum_kernel, all_numbers);
  table.add<op::SumPoolGrad>(sum_grad_kernel, all_numbers);
}

}  // namespace weft::cuda
