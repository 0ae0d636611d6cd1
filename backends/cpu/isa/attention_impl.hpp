#pragma once

// For the units kernels_<isa>.cpp only.

#include <weft/backends/cpu/isa/attention_backward.hpp>
#include <weft/backends/cpu/isa/attention_forward.hpp>
#include <weft/backends/cpu/isa/attention_short.hpp>
#include <weft/backends/cpu/isa/attention_short_backward.hpp>

namespace weft::cpu {

/// Each call goes the way that suits its shape.
template <class T, class Arch> struct AttentionPaths {
  using Short = ShortTools<T, Arch>;
  static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

  static int64_t scratch(const AttentionArgs<T>& args) {
    int64_t most = larger(AttentionForward<T, Arch>::scratch(args), AttentionBackward<T, Arch>::scratch(args));
    if (!Short::serves(args)) return most;
    return larger(most, larger(AttentionShort<T, Arch>::scratch(args), AttentionShortBackward<T, Arch>::scratch(args)));
  }
  static void forward(const AttentionArgs<T>& args, int64_t batch, int64_t head, int64_t block, uint64_t call,
                      PackedKeys& packed, T* scratch) {
    if (Short::serves(args)) return AttentionShort<T, Arch>::run(args, batch, head, block, scratch);
    AttentionForward<T, Arch>::run(args, batch, head, block, call, packed, scratch);
  }
  static void backward(const AttentionGradArgs<T>& args, const AttentionKeys& keys, const HeadRows<T*>& d_query,
                       T* d_null, T* scratch) {
    if (Short::serves(args.call) && AttentionShortBackward<T, Arch>::run(args, keys, d_query, d_null, scratch)) return;
    AttentionBackward<T, Arch>::run(args, keys, d_query, d_null, scratch);
  }
};

template <class T, class Arch> constexpr AttentionTypeKernels<T> make_attention_type_kernels() {
  using Paths = AttentionPaths<T, Arch>;
  return {&Paths::scratch, &Paths::forward, &Paths::backward, &AttentionBackward<T, Arch>::bias};
}

template <class Arch> constexpr AttentionKernels make_attention_kernels() {
  return {make_attention_type_kernels<float, Arch>(), make_attention_type_kernels<double, Arch>()};
}

}  // namespace weft::cpu
