#pragma once

// For the units kernels_<isa>.cpp only: fills the table with the templates' instances for Arch.

#include <weft/backends/cpu/isa/attention_impl.hpp>
#include <weft/backends/cpu/isa/batch_norm_impl.hpp>
#include <weft/backends/cpu/isa/conv_impl.hpp>
#include <weft/backends/cpu/isa/elementwise_impl.hpp>
#include <weft/backends/cpu/isa/gemm_impl.hpp>
#include <weft/backends/cpu/isa/kernels.hpp>
#include <weft/backends/cpu/isa/move_impl.hpp>
#include <weft/backends/cpu/isa/norm_impl.hpp>
#include <weft/backends/cpu/isa/optimizer_impl.hpp>
#include <weft/backends/cpu/isa/pool_impl.hpp>
#include <weft/backends/cpu/isa/random_impl.hpp>
#include <weft/backends/cpu/isa/reduce_impl.hpp>
#include <weft/backends/cpu/isa/simd_math.hpp>
#include <weft/backends/cpu/isa/softmax_impl.hpp>

namespace weft::cpu {

template <class Arch> constexpr IsaKernels make_isa_kernels() {
  return {
      make_loop_set<ActivationKernels, Arch>(),
      make_attention_kernels<Arch>(),
      make_batch_norm_kernels<Arch>(),
      make_loop_set<BinaryKernels, Arch>(),
      make_conv_kernels<Arch>(),
      make_gemm_kernels<Arch>(),
      make_move_kernels<Arch>(),
      make_norm_kernels<Arch>(),
      make_optimizer_kernels<Arch>(),
      make_pool_kernels<Arch>(),
      make_random_kernels<Arch>(),
      make_reduce_kernels<Arch>(),
      make_softmax_kernels<Arch>(),
      make_loop_set<UnaryKernels, Arch>(),
  };
}

}  // namespace weft::cpu
