#pragma once

// The table that each instruction set's unit fills. A group of kernels is a struct of function pointers of its own, in
// a light header isa/<group>.hpp; its templates are in isa/<group>_impl.hpp, which only the units include. To add a
// group: both files, a member here, and a line in isa/make_kernels.hpp.

#include <weft/backends/cpu/isa/activation.hpp>
#include <weft/backends/cpu/isa/attention.hpp>
#include <weft/backends/cpu/isa/batch_norm.hpp>
#include <weft/backends/cpu/isa/binary.hpp>
#include <weft/backends/cpu/isa/conv.hpp>
#include <weft/backends/cpu/isa/gemm.hpp>
#include <weft/backends/cpu/isa/move.hpp>
#include <weft/backends/cpu/isa/norm.hpp>
#include <weft/backends/cpu/isa/optimizer.hpp>
#include <weft/backends/cpu/isa/pool.hpp>
#include <weft/backends/cpu/isa/random.hpp>
#include <weft/backends/cpu/isa/reduce.hpp>
#include <weft/backends/cpu/isa/softmax.hpp>
#include <weft/backends/cpu/isa/unary.hpp>

namespace weft::cpu {

struct IsaKernels {
  ActivationKernels activation;
  AttentionKernels attention;
  BatchNormKernels batch_norm;
  BinaryKernels binary;
  ConvKernels conv;
  GemmKernels gemm;
  MoveKernels move;
  NormKernels norm;
  OptimizerKernels optimizer;
  PoolKernels pool;
  RandomKernels random;
  ReduceKernels reduce;
  SoftmaxKernels softmax;
  UnaryKernels unary;
};

#if defined(__x86_64__)
extern const IsaKernels kernels_avx512, kernels_avx2, kernels_sse2;
#elif defined(__aarch64__)
extern const IsaKernels kernels_neon;
#endif

}  // namespace weft::cpu
