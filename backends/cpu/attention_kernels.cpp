#include <weft/autograd/ops/attention_call.hpp>
#include <weft/backends/cpu/attention.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

void forward_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Attention>();
  const ReadableInputs inputs = readable_inputs(op, call.inputs);
  visit_wide_float(inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    cpu::attention_forward(attention_call<T>(op, inputs, call.outputs));
  });
}

void backward_kernel(const KernelCall& call) {
  const auto& op = call.op<op::AttentionGrad>();
  const ReadableInputs inputs = readable_inputs(op.call, call.inputs);
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
