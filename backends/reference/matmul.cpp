#include <weft/autograd/ops/matmul.hpp>

#include <cmath>
#include <type_traits>

#include <weft/backends/reference/table.hpp>
#include <weft/core/strided_loop.hpp>

namespace weft {
namespace {

/// Strides of an operand's batch axes, lined up with the result's; 0 where it is broadcast.
Strides batch_strides(const Tensor& operand, int batch_rank) {
  Strides strides = Shape::filled(batch_rank, 0);
  int own = operand.rank() - 2, shift = batch_rank - own;
  for (int axis = 0; axis < own; ++axis)
    if (operand.shape()[axis] != 1) strides[axis + shift] = operand.strides()[axis];
  return strides;
}

/// Sums in double, and in unsigned arithmetic, which wraps, for integers.
template <class T> using Sum = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;

template <class T> void product(const Tensor& a, const T* a_data, const Tensor& b, const T* b_data, T* out) {
  const int64_t m = a.size(-2), k = a.size(-1), n = b.size(-1);
  const int64_t a_row = a.strides()[a.rank() - 2], a_column = a.strides().back();
  const int64_t b_row = b.strides()[b.rank() - 2], b_column = b.strides().back();
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      Sum<T> sum = 0;
      for (int64_t l = 0; l < k; ++l)
        sum += static_cast<Sum<T>>(a_data[i * a_row + l * a_column]) *
               static_cast<Sum<T>>(b_data[l * b_row + j * b_column]);
      out[i * n + j] = static_cast<T>(sum);
    }
}

void matmul_kernel(const KernelCall& call) {
  const Tensor &a = call.inputs[0], &b = call.inputs[1];
  Tensor& out = call.outputs[0];
  const int batch_rank = out.rank() - 2;
  const int64_t size = out.size(-2) * out.size(-1);
  visit_wide_number(out.dtype(), [&]<class T>(std::type_identity<T>) {
    T* target = out.mutable_raw_as<T>();
    strided_rows<2>(out.shape().slice(0, batch_rank), {batch_strides(a, batch_rank), batch_strides(b, batch_rank)},
                    [&](int64_t count, std::array<int64_t, 2> at, std::array<int64_t, 2> step) {
                      for (int64_t i = 0; i < count; ++i, target += size)
                        product(a, a.raw_as<T>() + at[0] + i * step[0], b, b.raw_as<T>() + at[1] + i * step[1], target);
                    });
  });
}

void linear_kernel(const KernelCall& call) {
  const Tensor &x = call.inputs[0], &kernel = call.inputs[1];
  const int64_t in = kernel.size(0), out = kernel.size(1);
  const int64_t rows = call.outputs[0].shape().slice(0, x.rank() - 1).elements();
  visit_wide_number(x.dtype(), [&]<class T>(std::type_identity<T>) {
    T* y = call.outputs[0].mutable_raw_as<T>();
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t j = 0; j < out; ++j) {
        Sum<T> sum = call.op<op::Linear>().has_bias ? static_cast<Sum<T>>(call.inputs[2].raw_as<T>()[j]) : Sum<T>(0);
        for (int64_t i = 0; i < in; ++i)
          sum +=
              static_cast<Sum<T>>(x.raw_as<T>()[row * in + i]) * static_cast<Sum<T>>(kernel.raw_as<T>()[i * out + j]);
        y[row * out + j] = static_cast<T>(sum);
      }
  });
}

double activated(op::Activation activation, double x) {
  constexpr double gelu_rate = 0.79788456080286535588;  // sqrt(2 / pi)
  switch (activation) {
    case op::Activation::none: break;
    case op::Activation::relu: return x > 0 || std::isnan(x) ? x : 0;
    case op::Activation::gelu_tanh: return 0.5 * x * (1 + std::tanh(gelu_rate * (x + 0.044715 * x * x * x)));
    case op::Activation::gelu_erf: return 0.5 * x * std::erfc(-x * std::sqrt(0.5));
    case op::Activation::silu: return x / (1 + std::exp(-x));
    case op::Activation::sigmoid: return 1 / (1 + std::exp(-x));
    case op::Activation::tanh: return std::tanh(x);
  }
  return x;
}

void fused_kernel(const KernelCall& call) {
  const auto& op = call.op<op::FusedMatmul>();
  // The product goes to its own output or to the result, which is then finished in place.
  KernelCall product{&op, call.inputs.first(2), call.outputs.last(1)};
  if (call.inputs[1].rank() == 2) {
    const op::Linear linear{op.has_bias};
    linear_kernel({&linear, call.inputs, product.outputs});
  } else {
    matmul_kernel(product);
  }
  visit_wide_float(call.outputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    T *y = call.outputs[0].mutable_raw_as<T>(), *sums = product.outputs[0].mutable_raw_as<T>();
    const int64_t columns = call.outputs[0].shape().back();
    const T* bias = op.has_bias && call.inputs[1].rank() != 2 ? call.inputs[2].raw_as<T>() : nullptr;
    const T* residual = op.has_residual ? call.inputs.back().raw_as<T>() : nullptr;
    for (int64_t i = 0; i < call.outputs[0].elements(); ++i) {
      if (bias) sums[i] += bias[i % columns];
      y[i] = static_cast<T>(activated(op.activation, static_cast<double>(sums[i])));
      if (residual) y[i] += residual[i];
    }
  });
}

}  // namespace

void register_reference_matmul(KernelTable& table) {
  table.add<op::Matmul>(matmul_kernel, wide_numbers, true);
  table.add<op::Linear>(linear_kernel, wide_numbers);
  table.add<op::FusedMatmul>(fused_kernel, wide_floats);
}

}  // namespace weft
