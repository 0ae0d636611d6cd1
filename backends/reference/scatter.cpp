#include <weft/autograd/ops/scatter.hpp>

#include <cmath>

#include <weft/backends/reference/places.hpp>
#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

struct Add {
  template <class T> T operator()(T old, T update) const { return static_cast<T>(old + update); }
};
struct Set {
  template <class T> T operator()(T, T update) const { return update; }
};
struct Max {
  template <class T> T operator()(T old, T update) const {
    if constexpr (std::is_floating_point_v<T>)
      if (std::isnan(update)) return update;
    return update > old ? update : old;
  }
};

/// out = x, then out[to(index of update)] = combine(itself, update) in row-major order of the updates; `to` says
/// nothing when a part of the place is -1.
template <class Combine, class To> void scatter_places(const KernelCall& call, Combine combine, To&& to) {
  const Tensor &x = call.inputs[0], &updates = call.inputs[2];
  Tensor& out = call.outputs[0];
  auto run = [&]<class T>(std::type_identity<T>) {
    T* values = out.mutable_raw_as<T>();
    for (int64_t i = 0; i < x.elements(); ++i) values[i] = x.raw_as<T>()[i];
    reference::for_each_place(updates.shape(), [&](int64_t flat, const Shape& index) {
      const Shape place = to(index);
      for (int64_t part : place)
        if (part < 0) return;
      T& value = values[reference::flat_place(place, x.shape())];
      value = combine(value, updates.raw_as<T>()[flat]);
    });
  };
  if (x.dtype() == DType::boolean) run(std::type_identity<bool>{});
  else visit_wide_number(x.dtype(), run);
}

template <class Op, class Combine> void scatter(const KernelCall& call, Combine combine) {
  const auto& op = call.op<Op>();
  const Tensor& indices = call.inputs[1];
  scatter_places(call, combine, [&](const Shape& index) {
    const int64_t which = reference::flat_place(index.slice(op.axis, op.axis + indices.rank()), indices.shape());
    Shape place = index.slice(0, op.axis);
    place.push_back(resolve_index(reference::index_at(indices, which), call.inputs[0].shape()[op.axis], op.mode));
    for (int i = op.axis + indices.rank(); i < index.rank(); ++i) place.push_back(index[i]);
    return place;
  });
}

void scatter_kernel(const KernelCall& call) {
  if (call.op<op::Scatter>().kind == ScatterKind::add) scatter<op::Scatter>(call, Add{});
  else scatter<op::Scatter>(call, Set{});
}

void scatter_max_kernel(const KernelCall& call) { scatter<op::ScatterMax>(call, Max{}); }

void scatter_along_axis_kernel(const KernelCall& call) {
  const auto& op = call.op<op::ScatterAlongAxis>();
  const Tensor& indices = call.inputs[1];
  auto to = [&](const Shape& index) {
    Shape place = index;
    place[op.axis] = resolve_index(reference::index_at(indices, reference::flat_place(index, indices.shape())),
                                   call.inputs[0].shape()[op.axis], OutOfRange::error);
    return place;
  };
  if (op.kind == ScatterKind::add) scatter_places(call, Add{}, to);
  else scatter_places(call, Set{}, to);
}

}  // namespace

void register_reference_scatter(KernelTable& table) {
  table.add<op::Scatter>(scatter_kernel, wide_types);
  table.add<op::ScatterMax>(scatter_max_kernel, wide_types);
  table.add<op::ScatterAlongAxis>(scatter_along_axis_kernel, wide_types);
}

}  // namespace weft
