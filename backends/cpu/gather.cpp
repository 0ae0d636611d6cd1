#include <weft/autograd/ops/gather.hpp>

#include <algorithm>

#include <weft/backends/cpu/move.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/parallel.hpp>

namespace weft {
namespace {

template <class U> U bits_of(double value, DType dtype) {
  U bits{};
  visit(dtype, [&]<class T>(std::type_identity<T>) {
    if constexpr (sizeof(T) == sizeof(U)) bits = std::bit_cast<U>(cpu::element_from<T>(value));
  });
  return bits;
}

void take_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Take>();
  const Tensor &x = call.inputs[0], &indices = call.inputs[1];
  const cpu::AxisView view(x.shape(), op.axis);
  const int64_t count = indices.elements(), inner = view.inner;
  cpu::visit_width(x.dtype(), [&]<class U>(std::type_identity<U>) {
    cpu::visit_index(indices.dtype(), [&]<class I>(std::type_identity<I>) {
      const U* from = x.raw_as<U>();
      const I* places = indices.raw_as<I>();
      U* out = call.outputs[0].mutable_raw_as<U>();
      const U fill = bits_of<U>(op.fill_value, x.dtype());
      const int64_t chunk = cpu::items_per_task(inner * static_cast<int64_t>(sizeof(U)));
      parallel_chunks(view.outer * count, chunk, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          const int64_t place = resolve_index(places[row % count], view.extent, op.mode);
          if (place < 0) std::fill_n(out + row * inner, inner, fill);
          else std::copy_n(from + (row / count * view.extent + place) * inner, inner, out + row * inner);
        }
      });
    });
  });
}

void take_along_axis_kernel(const KernelCall& call) {
  const int axis = call.op<op::TakeAlongAxis>().axis;
  const Tensor &x = call.inputs[0], &indices = call.inputs[1];
  const cpu::AxisView view(x.shape(), axis);
  const int64_t count = indices.shape()[axis], inner = view.inner;
  cpu::visit_width(x.dtype(), [&]<class U>(std::type_identity<U>) {
    cpu::visit_index(indices.dtype(), [&]<class I>(std::type_identity<I>) {
      const U* from = x.raw_as<U>();
      const I* places = indices.raw_as<I>();
      U* out = call.outputs[0].mutable_raw_as<U>();
      const int64_t chunk = cpu::items_per_task(inner * static_cast<int64_t>(sizeof(U)));
      parallel_chunks(view.outer * count, chunk, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          const U* plane = from + row / count * view.extent * inner;
          for (int64_t i = 0; i < inner; ++i) {
            const int64_t place = resolve_index(places[row * inner + i], view.extent, OutOfRange::error);
            out[row * inner + i] = place < 0 ? U{} : plane[place * inner + i];
          }
        }
      });
    });
  });
}

}  // namespace

void register_cpu_gather(KernelTable& table) {
  table.add<op::Take>(take_kernel, all_types);
  table.add<op::TakeAlongAxis>(take_along_axis_kernel, all_types);
}

}  // namespace weft
