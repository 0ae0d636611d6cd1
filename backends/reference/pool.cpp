#include <weft/autograd/ops/pool.hpp>

#include <algorithm>
#include <limits>

#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

/// Calls f(flat index into y's values, flat index into x's values, flat place in x's space) for every element of every
/// window, windows in order, the elements of each in row-major order; x [N, space..., features].
template <class F> void for_each_window_element(const PoolGeometry& g, const Shape& x, const Shape& y, F&& f) {
  const int axes = g.window.rank();
  const int64_t features = x.back(), space = x.slice(1, 1 + axes).elements(), count = y.elements();
  for (int64_t out = 0; out < count; ++out) {
    const int64_t feature = out % features;
    Shape at = Shape::filled(axes, 0);
    int64_t rest = out / features;
    for (int axis = axes - 1; axis >= 0; --axis) {
      at[axis] = rest % y[axis + 1];
      rest /= y[axis + 1];
    }
    for (int64_t tap = 0; tap < g.window.elements(); ++tap) {
      int64_t flat = 0, tap_rest = tap, factor = 1;
      bool inside = true;
      for (int axis = axes - 1; axis >= 0; --axis) {
        const int64_t place = at[axis] * g.strides[axis] + tap_rest % g.window[axis] - g.low[axis];
        tap_rest /= g.window[axis];
        inside = inside && place >= 0 && place < x[axis + 1];
        flat += place * factor;
        factor *= x[axis + 1];
      }
      if (inside) f(out, (rest * space + flat) * features + feature, flat);
    }
  }
}

template <class T> constexpr T lowest() {
  if constexpr (std::numeric_limits<T>::has_infinity) return -std::numeric_limits<T>::infinity();
  return std::numeric_limits<T>::lowest();
}
template <class T> constexpr T highest() {
  if constexpr (std::numeric_limits<T>::has_infinity) return std::numeric_limits<T>::infinity();
  return std::numeric_limits<T>::max();
}

void extreme_pool_kernel(const KernelCall& call) {
  const auto& op = call.op<op::ExtremePool>();
  const Tensor& x = call.inputs[0];
  Tensor& y = call.outputs[0];
  int32_t* places = call.outputs[1].mutable_raw_as<int32_t>();
  visit_wide_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* source = x.raw_as<T>();
    T* best = y.mutable_raw_as<T>();
    std::fill_n(best, y.elements(), op.minimum ? highest<T>() : lowest<T>());
    std::fill_n(places, y.elements(), -1);
    for_each_window_element(op.geometry, x.shape(), y.shape(), [&](int64_t out, int64_t in, int64_t place) {
      const T value = source[in];
      const bool better = op.minimum ? value < best[out] : value > best[out];
      if (places[out] >= 0 && !better && !(value != value && best[out] == best[out])) return;
      if (places[out] >= 0 && best[out] != best[out]) return;
      best[out] = value;
      places[out] = static_cast<int32_t>(place);
    });
  });
}

/// Calls f(flat index into the pooled values, flat index into x [N, space..., features]) wherever there is a place.
template <class F> void for_each_place(const Tensor& places, int64_t space, F&& f) {
  const int64_t features = places.shape().back(), per_entry = places.elements() / std::max<int64_t>(places.size(0), 1);
  for (int64_t i = 0; i < places.elements(); ++i) {
    const int32_t place = places.raw_as<int32_t>()[i];
    if (place >= 0) f(i, (i / per_entry * space + place) * features + i % features);
  }
}

void scatter_kernel(const KernelCall& call) {
  Tensor& x = call.outputs[0];
  visit_wide_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* values = call.inputs[0].raw_as<T>();
    T* target = x.mutable_raw_as<T>();
    std::fill_n(target, x.elements(), T(0));
    for_each_place(call.inputs[1], call.op<op::PoolScatter>().space.elements(),
                   [&](int64_t i, int64_t at) { target[at] += values[i]; });
  });
}

void gather_kernel(const KernelCall& call) {
  const Tensor& x = call.inputs[0];
  Tensor& y = call.outputs[0];
  visit_wide_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* source = x.raw_as<T>();
    T* target = y.mutable_raw_as<T>();
    std::fill_n(target, y.elements(), T(0));
    for_each_place(call.inputs[1], x.shape().slice(1, x.rank() - 1).elements(),
                   [&](int64_t i, int64_t at) { target[i] = source[at]; });
  });
}

void sum_kernel(const KernelCall& call) {
  const Tensor& x = call.inputs[0];
  Tensor& y = call.outputs[0];
  visit_wide_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* source = x.raw_as<T>();
    T* target = y.mutable_raw_as<T>();
    std::fill_n(target, y.elements(), T(0));
    for_each_window_element(call.op<op::SumPool>().geometry, x.shape(), y.shape(),
                            [&](int64_t out, int64_t in, int64_t) { target[out] += source[in]; });
  });
}

void sum_grad_kernel(const KernelCall& call) {
  const Tensor& d_y = call.inputs[0];
  Tensor& x = call.outputs[0];
  visit_wide_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const T* source = d_y.raw_as<T>();
    T* target = x.mutable_raw_as<T>();
    std::fill_n(target, x.elements(), T(0));
    for_each_window_element(call.op<op::SumPoolGrad>().geometry, x.shape(), d_y.shape(),
                            [&](int64_t out, int64_t in, int64_t) { target[in] += source[out]; });
  });
}

}  // namespace

void register_reference_pool(KernelTable& table) {
  table.add<op::ExtremePool>(extreme_pool_kernel, wide_numbers);
  table.add<op::PoolScatter>(scatter_kernel, wide_numbers);
  table.add<op::PoolGather>(gather_kernel, wide_numbers);
  table.add<op::SumPool>(sum_kernel, wide_numbers);
  table.add<op::SumPoolGrad>(sum_grad_kernel, wide_numbers);
}

}  // namespace weft
