#include <weft/autograd/ops/cast.hpp>

#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/move.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/core/convert.hpp>

namespace weft::cuda {
namespace {

template <class To> struct Convert {
  template <class From> WEFT_HOST_DEVICE To operator()(From x) const { return convert<To>(x); }
};

void cast_kernel(const KernelCall& call) {
  visit(call.inputs[0].dtype(), [&]<class From>(std::type_identity<From>) {
    visit(call.outputs[0].dtype(), [&]<class To>(std::type_identity<To>) { map<From, To, 1>(call, Convert<To>{}); });
  });
}

void copy_kernel(const KernelCall& call) { move_elements(call.inputs[0], call.outputs[0]); }

/// Both sides strided; in the order of the target's elements.
template <class From, class To> struct StridedCopy {
  const From* source;
  To* target;
  int64_t n;
  Walk<2> walk;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      Walk<2>::Places places = walk.places(i);
      target[places.at[1]] = convert<To>(source[places.at[0]]);
    }
  }
};

}  // namespace

void copy_strided(const Tensor& source, Tensor& target) {
  if (source.dtype() == target.dtype()) return move_elements(source, target);
  visit(source.dtype(), [&]<class From>(std::type_identity<From>) {
    visit(target.dtype(), [&]<class To>(std::type_identity<To>) {
      launch(StridedCopy<From, To>{source.raw_as<From>(), target.mutable_raw_as<To>(), target.elements(),
                                   make_walk<2>(target.shape(), {source.strides(), target.strides()})},
             blocks_for(target.elements()), usual_threads);
    });
  });
}

void register_cuda_cast(KernelTable& table) {
  table.add<op::Cast>(cast_kernel, all_types, true);
  table.add<op::Copy>(copy_kernel, all_types, true);
}

}  // namespace weft::cuda
