#include <weft/autograd/ops/matmul.hpp>

#include <type_traits>

#include <weft/backends/cpu/gemm.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/parallel.hpp>
#include <weft/core/strided_loop.hpp>

namespace weft {
namespace {

/// Strides of an operand's batch axes, lined up with the result's; 0 where it is broadcast.
Strides batch_strides(const Tensor& operand, int batch_rank) {
  Strides strides = Shape::filled(batch_rank, 0);
  const int own = operand.rank() - 2, shift = batch_rank - own;
  for (int axis = 0; axis < own; ++axis)
    if (operand.shape()[axis] != 1) strides[axis + shift] = operand.strides()[axis];
  return strides;
}

/// Integers, which wrap around: plain loops, some rows to a task.
template <class T> void integer_product(const cpu::GemmArgs<T>& args) {
  using Wrapping = std::make_unsigned_t<T>;
  parallel_chunks(args.m, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* c = args.c + i * args.c_row;
      for (int64_t j = 0; j < args.n; ++j) c[j] = args.bias ? args.bias[j] : T(0);
      for (int64_t l = 0; l < args.k; ++l) {
        const auto left = static_cast<Wrapping>(args.a[i * args.a_row + l * args.a_col]);
        const T* b = args.b + l * args.b_row;
        for (int64_t j = 0; j < args.n; ++j)
          c[j] = static_cast<T>(static_cast<Wrapping>(c[j]) + left * static_cast<Wrapping>(b[j * args.b_col]));
      }
    }
  });
}

template <class T> void batched_product(const cpu::BatchedGemmArgs<T>& args) {
  if constexpr (std::is_floating_point_v<T>) {
    cpu::batched_gemm(args);
  } else {
    cpu::GemmArgs<T> one = args.first;
    for (int64_t i = 0; i < args.batch; ++i, one.a += args.a_batch, one.b += args.b_batch, one.c += args.c_batch)
      integer_product(one);
  }
}

void matmul_kernel(const KernelCall& call) {
  const Tensor &a = call.inputs[0], &b = call.inputs[1];
  Tensor& out = call.outputs[0];
  const int batch_rank = out.rank() - 2;
  visit_wide_number(out.dtype(), [&]<class T>(std::type_identity<T>) {
    cpu::BatchedGemmArgs<T> args;
    args.first.m = out.shape()[batch_rank];
    args.first.n = args.first.c_row = out.shape().back();
    args.first.k = a.shape().back();
    args.first.a_row = a.strides()[a.rank() - 2];
    args.first.a_col = a.strides().back();
    args.first.b_row = b.strides()[b.rank() - 2];
    args.first.b_col = b.strides().back();
    args.first.c = out.mutable_raw_as<T>();
    args.c_batch = args.first.m * args.first.n;
    // Batch axes that run on in both operands are one batch.
    strided_rows<2>(out.shape().slice(0, batch_rank), {batch_strides(a, batch_rank), batch_strides(b, batch_rank)},
                    [&](int64_t count, const std::array<int64_t, 2>& at, const std::array<int64_t, 2>& step) {
                      args.first.a = a.raw_as<T>() + at[0];
                      args.first.b = b.raw_as<T>() + at[1];
                      args.batch = count;
                      args.a_batch = step[0];
                      args.b_batch = step[1];
                      batched_product(args);
                      args.first.c += count * args.c_batch;
                    });
  });
}

void linear_kernel(const KernelCall& call) {
  const Tensor &x = call.inputs[0], &kernel = call.inputs[1];
  Tensor& y = call.outputs[0];
  const Tensor bias = call.op<op::Linear>().has_bias ? call.inputs[2].contiguous() : Tensor();
  visit_wide_number(y.dtype(), [&]<class T>(std::type_identity<T>) {
    cpu::GemmArgs<T> args;
    args.k = kernel.shape()[0];
    args.n = args.c_row = kernel.shape()[1];
    args.a_col = x.strides().back();
    args.b = kernel.raw_as<T>();
    args.b_row = kernel.strides()[0];
    args.b_col = kernel.strides()[1];
    args.c = y.mutable_raw_as<T>();
    args.bias = bias.defined() ? bias.raw_as<T>() : nullptr;
    // The axes before the features are one axis of rows wherever they run on; else a product for each stretch.
    const int row_axes = x.rank() - 1;
    strided_rows<1>(x.shape().slice(0, row_axes), {x.strides().slice(0, row_axes)},
                    [&](int64_t count, const std::array<int64_t, 1>& at, const std::array<int64_t, 1>& step) {
                      args.a = x.raw_as<T>() + at[0];
                      args.a_row = step[0];
                      args.m = count;
                      if constexpr (std::is_floating_point_v<T>) cpu::gemm(args);
                      else integer_product(args);
                      args.c += count * args.c_row;
                    });
  });
}

}  // namespace

void register_cpu_matmul(KernelTable& table) {
  table.add<op::Matmul>(matmul_kernel, wide_numbers, true);
  table.add<op::Linear>(linear_kernel, wide_numbers, true);
}

}  // namespace weft
