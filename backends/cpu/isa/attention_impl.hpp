#pragma once

// For the units kernels_<isa>.cpp only.

#include <weft/backends/cpu/isa/attention_backward.hpp>
#include <weft/backends/cpu/isa/attention_forward.hpp>

namespace weft::cpu {

template <class T, class Arch> constexpr AttentionTypeKernels<T> make_attention_type_kernels() {
  return {
      [](const AttentionArgs<T>& args) {
        int64_t forward = AttentionForward<T, Arch>::scratch(args),
                backward = AttentionBackward<T, Arch>::scratch(args);
        return forward > backward ? forward : backward;
      },
      &AttentionForward<T, Arch>::run,
      &AttentionBackward<T, Arch>::run,
      &AttentionBackward<T, Arch>::bias,
  };
}

template <class Arch> constexpr AttentionKernels make_attention_kernels() {
  return {make_attention_type_kernels<float, Arch>(), make_attention_type_kernels<double, Arch>()};
}

}  // namespace weft::cpu
