#include <weft/backends/cpu/move.hpp>

#include <algorithm>

#include <weft/core/parallel.hpp>

namespace weft::cpu {

void copy_parallel(const Tensor& source, Tensor& target) {
  int axis = 0;
  while (axis < target.rank() && target.shape()[axis] == 1) ++axis;
  if (axis == target.rank() || target.elements() == 0) return copy_elements(source, target);
  const int64_t extent = target.shape()[axis];
  const int64_t chunk = items_per_task(target.bytes() / extent);
  auto part = [&](const Tensor& whole, int64_t begin, int64_t end) {
    Shape shape = whole.shape();
    shape[axis] = end - begin;
    return whole.strided_view(shape, whole.strides(), whole.offset() + begin * whole.strides()[axis]);
  };
  parallel_chunks(extent, chunk, [&](int64_t begin, int64_t end) {
    Tensor into = part(target, begin, end);
    copy_elements(part(source, begin, end), into);
  });
}

void fill_parallel(Tensor& target, double value) {
  visit(target.dtype(), [&]<class T>(std::type_identity<T>) {
    T* elements = target.mutable_raw_as<T>();
    const T element = element_from<T>(value);
    parallel_chunks(target.elements(), items_per_task(sizeof(T)),
                    [&](int64_t begin, int64_t end) { std::fill(elements + begin, elements + end, element); });
  });
}

}  // namespace weft::cpu
