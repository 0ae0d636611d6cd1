#include <weft/autograd/ops/attention_call.hpp>

#include <weft/backends/cuda/attention_kernels.hpp>
#include <weft/backends/cuda/cudnn/sdpa.hpp>
#include <weft/backends/cuda/launch.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/backends/cuda/unroll.hpp>
#include <weft/backends/cuda/workspace.hpp>
#include <weft/core/backend.hpp>

// Attention as a whole: cuDNN where it serves (cudnn/sdpa.hpp), else the kernels of attention_*.cu.

namespace weft::cuda {
namespace {

void forward_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Attention>();
  const ReadableInputs inputs = readable_inputs(op, call.inputs);
  if (cudnn_attention(op, inputs, call.outputs)) return;
  visit_float(inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    const auto a = attention_data<T>(op, inputs, call.outputs);
    T* out = call.outputs[0].mutable_raw_as<T>();
    if (attention_is_short(a)) launch_short_attention_forward(a, out);
    else launch_attention_forward(a, out);
  });
}

/// Adds up the batch entries' parts of the null slot's gradients.
template <class T> struct NullSlotSum {
  using C = Computed<T>;
  const C* parts;  ///< [batch, kv_heads, D + Dv]
  T *d_key, *d_value;
  int64_t batch;
  int kv_heads, head_dim, value_dim;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const int64_t width = head_dim + value_dim, all = kv_heads * width;
    for (int64_t i = thread.global_index(); i < all; i += thread.global_size()) {
      C sum = 0;
      for (int64_t b = 0; b < batch; ++b) sum += parts[b * all + i];
      const int64_t kv = i / width, d = i % width;
      T* to = d < head_dim ? d_key : d_value;
      if (to) to[d < head_dim ? kv * head_dim + d : kv * value_dim + d - head_dim] = static_cast<T>(sum);
    }
  }
};

template <class T>
void own_gradients(const op::AttentionGrad& op, std::span<const Tensor> inputs, std::span<Tensor> outputs,
                   const int32_t* gate) {
  using C = Computed<T>;
  const auto first_result = static_cast<size_t>(op.call.inputs()), results = static_cast<size_t>(op.call.outputs());
  std::span<const Tensor> cotangents = inputs.subspan(first_result + results, results);
  AttentionGradData<T> g{};
  g.call = attention_data<T>(op.call, inputs, inputs.subspan(first_result, results));
  const AttentionData<T>& a = g.call;
  const Device device = inputs[0].device();
  Tensor d_logsumexp = cotangents[1];
  if (d_logsumexp.dtype() != inputs[first_result + 1].dtype()) {
    d_logsumexp = Tensor::empty(cotangents[1].shape(), inputs[first_result + 1].dtype(), device);
    copy_elements(cotangents[1], d_logsumexp);
  }
  Workspace<C> delta(device, a.batch * a.query_length * a.heads);
  const bool null_slot = op.wants(op.null_key) || op.wants(op.null_value);
  const int64_t null_width = a.kv_heads * int64_t{a.head_dim + a.value_dim};
  Workspace<C> null_parts(device, null_slot ? a.batch * null_width : 0);
  g.d_out = feature_rows<T>(cotangents[0]);
  if (op.call.with_weights) g.d_weights = cotangents[2].raw_as<T>();
  g.d_logsumexp = d_logsumexp.raw_as<C>();
  g.delta = delta.data();
  g.d_null = null_slot ? null_parts.data() : nullptr;
  g.gate = gate;
  Tensor* gradients[op::AttentionGrad::gradients] = {};
  size_t next = 0;
  for (int i = 0; i < op::AttentionGrad::gradients; ++i)
    if (op.wants(i)) gradients[i] = &outputs[next++];
  auto data = [&](int i) { return gradients[i] ? gradients[i]->mutable_raw_as<T>() : nullptr; };
  g.d_query = data(op.query);
  g.d_key = data(op.key);
  g.d_value = data(op.value);

  launch_attention_delta(g);
  const bool is_short = attention_is_short(a);
  if (g.d_query) is_short ? launch_short_attention_query_gradient(g) : launch_attention_query_gradient(g);
  if (g.d_key || g.d_value || g.d_null)
    is_short ? launch_short_attention_key_gradient(g) : launch_attention_key_gradient(g);
  if (null_slot)
    launch(
        NullSlotSum<T>{g.d_null, data(op.null_key), data(op.null_value), a.batch, a.kv_heads, a.head_dim, a.value_dim},
        blocks_for(null_width), usual_threads);
  if (gradients[op.bias]) launch_attention_bias_gradient(g, *gradients[op.bias]);
}

/// Whether any of n values is not 0. One block.
struct AnyNonZero {
  const float* x;
  int32_t* result;
  int64_t n;
  static constexpr int threads = 1024;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    bool found = false;
    // Without a branch, so that reads do not wait for each other.
    WEFT_UNROLL_SOME for (int64_t i = thread.index(); i < n; i += threads) found |= x[i] != 0;
    const uint32_t bits = thread.ballot(found);
    auto votes = thread.shared<uint32_t>(0, threads / warp_size);
    if (thread.lane() == 0) votes[thread.warp()] = bits;
    thread.sync();
    if (thread.index() > 0) return;
    uint32_t all = 0;
    for (int warp = 0; warp < threads / warp_size; ++warp) all |= votes[warp];
    *result = all != 0;
  }
};

void backward_kernel(const KernelCall& call) {
  const auto& op = call.op<op::AttentionGrad>();
  const ReadableInputs inputs = readable_inputs(op.call, call.inputs);
  if (!cudnn_attention_gradient(op, inputs, call.outputs)) {
    visit_float(inputs[0].dtype(),
                [&]<class T>(std::type_identity<T>) { own_gradients<T>(op, inputs, call.outputs, nullptr); });
    return;
  }
  // cuDNN takes no cotangent of the logsumexp. It is nearly always 0, which only the device knows: where it is not, the
  // own kernels write over cuDNN's gradients, and else they return at once.
  attention_gradient_for_logsumexp(op, inputs, call.outputs);
}

}  // namespace

void attention_gradient_for_logsumexp(const op::AttentionGrad& op, std::span<const Tensor> inputs,
                                      std::span<Tensor> outputs) {
  const Tensor& d_logsumexp = inputs[static_cast<size_t>(op.call.inputs() + op.call.outputs()) + 1];
  Workspace<int32_t> gate(d_logsumexp.device(), 1);
  launch_blocks(AnyNonZero{d_logsumexp.raw_as<float>(), gate.data(), d_logsumexp.elements()}, 1, AnyNonZero::threads,
                sizeof(uint32_t) * AnyNonZero::threads / warp_size);
  visit_float(inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    if constexpr (sizeof(Computed<T>) == sizeof(float)) own_gradients<T>(op, inputs, outputs, gate.data());
  });
}

void register_cuda_attention(KernelTable& table) {
  constexpr DTypeSet dtypes = all_floats | DTypeSet{DType::int32, DType::boolean};
  table.add<op::Attention>(forward_kernel, dtypes, true);
  table.add<op::AttentionGrad>(backward_kernel, dtypes, true);
}

}  // namespace weft::cuda
