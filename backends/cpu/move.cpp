#include <weft/backends/cpu/move.hpp>

#include <algorithm>

#include <weft/backends/cpu/isa.hpp>
#include <weft/core/parallel.hpp>
#include <weft/core/transposition.hpp>

namespace weft::cpu {

namespace {

/// What one task should move.
constexpr int64_t task_bytes = 65536;

/// T is a floating type as wide as an element. Tasks are planes of the two axes, or bands of large planes.
template <class T, class Run> void copy_planes(const Tensor& source, Tensor& target, Transposition axes, Run run) {
  Shape rest = target.shape();
  const int64_t rows = rest[axes.outer], columns = rest[axes.inner];
  rest[axes.outer] = rest[axes.inner] = 1;
  const int64_t to_row = target.strides()[axes.outer], from_row = source.strides()[axes.inner];
  const T* from = static_cast<const T*>(source.raw());
  T* to = static_cast<T*>(target.mutable_raw());
  const int64_t plane_bytes = rows * columns * static_cast<int64_t>(sizeof(T));
  const int64_t bands = std::clamp<int64_t>(plane_bytes / task_bytes, 1, (rows + 63) / 64);
  const int64_t band = ((rows + bands - 1) / bands + 15) / 16 * 16;
  parallel_chunks(rest.elements() * bands, std::max<int64_t>(1, task_bytes / plane_bytes),
                  [&](int64_t begin, int64_t end) {
                    for (int64_t task = begin; task < end; ++task) {
                      int64_t plane = task / bands, from_at = 0, to_at = 0;
                      for (int axis = rest.rank() - 1; axis >= 0; --axis) {
                        const int64_t place = plane % rest[axis];
                        plane /= rest[axis];
                        from_at += place * source.strides()[axis];
                        to_at += place * target.strides()[axis];
                      }
                      const int64_t first = task % bands * band, count = std::min(band, rows - first);
                      if (count > 0)
                        run(from + from_at + first, from_row, to + to_at + first * to_row, to_row, count, columns);
                    }
                  });
}

/// True when it was a transposition, and is done.
bool transposed(const Tensor& source, Tensor& target) {
  const int64_t size = size_of(target.dtype());
  if (source.dtype() != target.dtype() || (size != 4 && size != 8) || target.elements() == 0) return false;
  const Transposition axes(source, target);
  if (!axes.found()) return false;
  if (size == 4) copy_planes<float>(source, target, axes, isa_kernels().move.transpose_4);
  else copy_planes<double>(source, target, axes, isa_kernels().move.transpose_8);
  return true;
}

/// True when it was one value for the whole of a contiguous target, and is done.
bool spread(const Tensor& source, Tensor& target) {
  if (source.dtype() != target.dtype() || target.elements() < 2 || !target.is_contiguous()) return false;
  for (int axis = 0; axis < source.rank(); ++axis)
    if (source.strides()[axis] != 0 && source.shape()[axis] != 1) return false;
  visit_width(target.dtype(), [&]<class U>(std::type_identity<U>) {
    U* to = static_cast<U*>(target.mutable_raw());
    const U value = *static_cast<const U*>(source.raw());
    parallel_chunks(target.elements(), items_per_task(sizeof(U)),
                    [&](int64_t begin, int64_t end) { std::fill(to + begin, to + end, value); });
  });
  return true;
}

}  // namespace

void copy_parallel(const Tensor& source, Tensor& target) {
  if (spread(source, target) || transposed(source, target)) return;
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
