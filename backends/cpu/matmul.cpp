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

/// What a fused product adds to a plain one; all null or none for the latter. Laid out as the result.
struct Extras {
  const void* bias = nullptr;
  op::Activation activation = op::Activation::none;
  const void* residual = nullptr;
  void* out = nullptr;
};

template <class T> cpu::GemmArgs<T> product_of(const Tensor& b, Tensor& product, const Extras& extras) {
  cpu::GemmArgs<T> args;
  args.k = b.size(-2);
  args.n = args.c_row = b.size(-1);
  args.b_row = b.strides()[b.rank() - 2];
  args.b_col = b.strides().back();
  args.c = product.mutable_raw_as<T>();
  args.bias = static_cast<const T*>(extras.bias);
  args.activation = extras.activation;
  args.residual = static_cast<const T*>(extras.residual);
  args.out = static_cast<T*>(extras.out);
  return args;
}

template <class T> void move_result(cpu::GemmArgs<T>& args, int64_t elements) {
  args.c += elements;
  if (args.residual) args.residual += elements;
  if (args.out) args.out += elements;
}

/// a [..., K] times a matrix b [K, N]: the axes before the last are one axis of rows wherever they run on; else there
/// is a product for each stretch.
void rows_times_matrix(const Tensor& a, const Tensor& b, Tensor& product, const Extras& extras) {
  visit_wide_number(product.dtype(), [&]<class T>(std::type_identity<T>) {
    auto args = product_of<T>(b, product, extras);
    args.a_col = a.strides().back();
    args.b = b.raw_as<T>();
    const int row_axes = a.rank() - 1;
    strided_rows<1>(a.shape().slice(0, row_axes), {a.strides().slice(0, row_axes)},
                    [&](int64_t count, const std::array<int64_t, 1>& at, const std::array<int64_t, 1>& step) {
                      args.a = a.raw_as<T>() + at[0];
                      args.a_row = step[0];
                      args.m = count;
                      if constexpr (std::is_floating_point_v<T>) cpu::gemm(args);
                      else integer_product(args);
                      move_result(args, count * args.c_row);
                    });
  });
}

/// a [batch..., M, K] times b [batch..., K, N]; batch axes that run on in both are one batch.
void batch_times_batch(const Tensor& a, const Tensor& b, Tensor& product, const Extras& extras) {
  const int batch_rank = product.rank() - 2;
  visit_wide_number(product.dtype(), [&]<class T>(std::type_identity<T>) {
    cpu::BatchedGemmArgs<T> args;
    args.first = product_of<T>(b, product, extras);
    args.first.m = a.size(-2);
    args.first.a_row = a.strides()[a.rank() - 2];
    args.first.a_col = a.strides().back();
    args.c_batch = args.first.m * args.first.n;
    strided_rows<2>(product.shape().slice(0, batch_rank), {batch_strides(a, batch_rank), batch_strides(b, batch_rank)},
                    [&](int64_t count, const std::array<int64_t, 2>& at, const std::array<int64_t, 2>& step) {
                      args.first.a = a.raw_as<T>() + at[0];
                      args.first.b = b.raw_as<T>() + at[1];
                      args.batch = count;
                      args.a_batch = step[0];
                      args.b_batch = step[1];
                      batched_product(args);
                      move_result(args.first, count * args.c_batch);
                    });
  });
}

void any_product(const Tensor& a, const Tensor& b, Tensor& product, const Extras& extras) {
  b.rank() == 2 ? rows_times_matrix(a, b, product, extras) : batch_times_batch(a, b, product, extras);
}

void matmul_kernel(const KernelCall& call) { any_product(call.inputs[0], call.inputs[1], call.outputs[0], {}); }

void linear_kernel(const KernelCall& call) {
  const Tensor bias = call.op<op::Linear>().has_bias ? call.inputs[2].contiguous() : Tensor();
  Extras extras;
  if (bias.defined()) extras.bias = bias.raw();
  any_product(call.inputs[0], call.inputs[1], call.outputs[0], extras);
}

void fused_kernel(const KernelCall& call) {
  const auto& op = call.op<op::FusedMatmul>();
  const Tensor bias = op.has_bias ? call.inputs[2].contiguous() : Tensor();
  const Tensor residual = op.has_residual ? call.inputs.back().contiguous() : Tensor();
  Extras extras;
  extras.activation = op.activation;
  if (op.has_bias) extras.bias = bias.raw();
  if (op.has_residual) extras.residual = residual.raw();
  if (op.keeps_product) extras.out = call.outputs[0].mutable_raw();
  any_product(call.inputs[0], call.inputs[1], call.outputs.back(), extras);
}

}  // namespace

void register_cpu_matmul(KernelTable& table) {
  table.add<op::Matmul>(matmul_kernel, wide_numbers, true);
  table.add<op::Linear>(linear_kernel, wide_numbers, true);
  table.add<op::FusedMatmul>(fused_kernel, wide_floats, true);
}

}  // namespace weft
