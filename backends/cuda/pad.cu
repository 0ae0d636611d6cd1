#include <weft/autograd/ops/pad.hpp>

#include <cstring>

#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/index_math.hpp>
#include <weft/backends/cuda/move.hpp>
#include <weft/backends/cuda/table.hpp>

namespace weft::cuda {
namespace {

/// The axes of a result and of the input inside it. An axis without padding is one with the axis before it.
struct PaddedAxes {
  int axes = 0;
  int64_t extents[Shape::max_rank] = {};  ///< of the result
  int64_t inside[Shape::max_rank] = {};   ///< of the input
  int64_t low[Shape::max_rank] = {};
  int64_t spacing[Shape::max_rank] = {};  ///< from one element of the input to the next
  int64_t steps[Shape::max_rank] = {};    ///< of the input in memory

  PaddedAxes(const op::Pad& op, const Tensor& x, const Shape& result) {
    for (int axis = 0; axis < result.rank(); ++axis) {
      const int64_t n = x.shape()[axis];
      const bool plain = op.low[axis] == 0 && op.high[axis] == 0 && (op.interior[axis] == 0 || n <= 1);
      if (plain && axes > 0 && spacing[axes - 1] == 1 && steps[axes - 1] == x.strides()[axis] * n) {
        const int merged = axes - 1;
        extents[merged] *= n;
        inside[merged] *= n;
        low[merged] *= n;
        steps[merged] = x.strides()[axis];
        continue;
      }
      extents[axes] = result[axis];
      inside[axes] = n;
      low[axes] = op.low[axis];
      spacing[axes] = op.interior[axis] + 1;
      steps[axes++] = x.strides()[axis];
    }
  }

  /// Whether element i of the result is the input's, and where that stands, in elements from its first.
  WEFT_DEVICE bool find(int64_t i, int64_t& place) const {
    place = 0;
    for (int axis = axes - 1; axis >= 0; --axis) {
      const Divided parts = divided(i, extents[axis]);
      const int64_t at = parts.rest - low[axis];
      if (at < 0 || at > (inside[axis] - 1) * spacing[axis]) return false;
      const Divided element = divided(at, spacing[axis]);
      if (element.rest != 0) return false;
      place += element.whole * steps[axis];
      i = parts.whole;
    }
    return true;
  }
};

template <class T> struct Padded {
  const T* x;
  T* result;
  T value;
  int64_t n;
  PaddedAxes axes;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      int64_t place;
      result[i] = axes.find(i, place) ? x[place] : value;
    }
  }
};

void pad_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Pad>();
  const Tensor& x = call.inputs[0];
  Tensor& out = call.outputs[0];
  const Pattern pattern = pattern_of(op.value, out.dtype());
  visit_size(out.dtype(), [&]<class T>(std::type_identity<T>) {
    T value;
    std::memcpy(&value, pattern.bytes, sizeof value);
    launch(Padded<T>{x.raw_as<T>(), out.mutable_raw_as<T>(), value, out.elements(), PaddedAxes(op, x, out.shape())},
           blocks_for(out.elements()), usual_threads);
  });
}

}  // namespace

void register_cuda_pad(KernelTable& table) { table.add<op::Pad>(pad_kernel, all_types, true); }

}  // namespace weft::cuda
