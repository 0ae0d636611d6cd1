#include <weft/autograd/ops/attention_call.hpp>
#include <weft/backends/reference/attention.hpp>
#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

void forward_kernel(const KernelCall& call) {
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    reference_attention_forward(attention_call<T>(call.op<op::Attention>(), call.inputs, call.outputs));
  });
}

void backward_kernel(const KernelCall& call) {
  visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    reference_attention_backward(attention_grad_call<T>(call.op<op::AttentionGrad>(), call.inputs, call.outputs));
  });
}

}  // namespace

void register_reference_attention(KernelTable& table) {
  constexpr DTypeSet dtypes = wide_floats | DTypeSet{DType::int32, DType::boolean};
  table.add<op::Attention>(forward_kernel, dtypes);
  table.add<op::AttentionGrad>(backward_kernel, dtypes);
}

}  // namespace weft
