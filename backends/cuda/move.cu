#include <weft/backends/cuda/move.hpp>

#include <cstring>

#include <weft/backends/cuda/launch.hpp>
#include <weft/backends/cuda/walk.hpp>
#include <weft/core/convert.hpp>

namespace weft::cuda {
namespace {

/// In the order of the target's elements.
template <class U> struct Move {
  const U* source;
  U* target;
  int64_t n;
  Walk<2> walk;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      Walk<2>::Places places = walk.places(i);
      target[places.at[1]] = source[places.at[0]];
    }
  }
};

/// The walk in units of `unit` bytes instead of elements of `item`.
Walk<2> in_units(Walk<2> walk, int unit, int64_t item) {
  for (int axis = 0; axis < walk.axes; ++axis) {
    const bool innermost = axis == walk.axes - 1;
    if (innermost) walk.extents[axis] = walk.extents[axis] * item / unit;
    for (auto& steps : walk.steps)
      if (!innermost) steps[axis] = steps[axis] * item / unit;
  }
  return walk;
}

/// The widest unit that the innermost axis can be moved in.
int unit_of(const Walk<2>& walk, int64_t item, const void* source, const void* target) {
  if (walk.axes == 0) return static_cast<int>(item);
  const int last = walk.axes - 1;
  if (walk.steps[0][last] != 1 || walk.steps[1][last] != 1) return static_cast<int>(item);
  int64_t bytes = walk.extents[last] * item;
  for (int axis = 0; axis < last; ++axis) bytes |= (walk.steps[0][axis] | walk.steps[1][axis]) * item;
  return common_unit(bytes, source, target);
}

/// A run of bytes, the first ones in 16s and the rest one by one.
struct Fill {
  Pattern pattern;
  unsigned char* target;
  int64_t bytes;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const int64_t wide = bytes / 16;
    for (int64_t i = thread.global_index(); i < wide; i += thread.global_size())
      reinterpret_cast<Pattern*>(target)[i] = pattern;
    for (int64_t i = 16 * wide + thread.global_index(); i < bytes; i += thread.global_size())
      target[i] = pattern.bytes[i % 16];
  }
};

}  // namespace

void move_elements(const Tensor& source, Tensor& target) {
  if (target.elements() == 0) return;
  const int64_t item = size_of(target.dtype());
  const void* from = source.raw();
  void* to = target.mutable_raw();
  const Walk<2> walk = make_walk<2>(target.shape(), {source.strides(), target.strides()});
  const int unit = unit_of(walk, item, from, to);
  const int64_t n = target.elements() * item / unit;
  visit_unit(unit, [&]<class U>(std::type_identity<U>) {
    launch(Move<U>{static_cast<const U*>(from), static_cast<U*>(to), n, in_units(walk, unit, item)}, blocks_for(n),
           usual_threads);
  });
}

void fill_elements(Tensor& target, double value) {
  launch(Fill{pattern_of(value, target.dtype()), static_cast<unsigned char*>(target.mutable_raw()), target.bytes()},
         blocks_for((target.bytes() + 15) / 16), usual_threads);
}

Pattern pattern_of(double value, DType dtype) {
  Pattern pattern{};
  visit(dtype, [&]<class T>(std::type_identity<T>) {
    const T element = convert<T>(value);
    for (size_t at = 0; at < sizeof pattern.bytes; at += sizeof(T))
      std::memcpy(pattern.bytes + at, &element, sizeof(T));
  });
  return pattern;
}

}  // namespace weft::cuda
