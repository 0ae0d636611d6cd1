#include <weft/autograd/ops/attention_call.hpp>
#include <weft/backends/cpu/attention.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/small_vector.hpp>

namespace weft {
namespace {

using Inputs = SmallVector<Tensor, 16>;

/// The inputs in the form that the kernels read: rows of features without gaps, whatever the strides of the other axes,
/// and small inputs row-major. The grids of mask and bias stay as they are.
Inputs readable(const op::Attention& op, std::span<const Tensor> inputs) {
  Inputs result(inputs.begin(), inputs.end());
  const size_t grids = 3 + static_cast<size_t>(op.has_mask + op.has_bias);
  for (size_t i = 0; i < result.size(); ++i) {
    Tensor& x = result[i];
    const bool is_rows = i < 3, is_grid = i >= 3 && i < grids;
    if (is_grid || (is_rows && (x.shape().back() <= 1 || x.strides().back() == 1))) continue;
    x = x.contiguous();
  }
  return result;
}

void forward_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Attention>();
  const Inputs inputs = readable(op, call.inputs);
  visit_wide_float(inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    cpu::attention_forward(attention_call<T>(op, inputs, call.outputs));
  });
}

void backward_kernel(const KernelCall& call) {
  const auto& op = call.op<op::AttentionGrad>();
  const Inputs inputs = readable(op.call, call.inputs);
  visit_wide_float(inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    cpu::attention_backward(attention_grad_call<T>(op, inputs, call.outputs));
  });
}

}  // namespace

void register_cpu_attention(KernelTable& table) {
  constexpr DTypeSet dtypes = wide_floats | DTypeSet{DType::int32, DType::boolean};
  table.add<op::Attention>(forward_kernel, dtypes, true);
  table.add<op::AttentionGrad>(backward_kernel, dtypes, true);
}

}  // namespace weft
