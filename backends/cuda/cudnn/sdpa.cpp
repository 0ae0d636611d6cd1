#include <weft/backends/cuda/cudnn/sdpa.hpp>

#include <array>
#include <tuple>

#include <weft/autograd/ops/attention_call.hpp>
#include <weft/backends/cuda/attention_stats.hpp>
#include <weft/backends/cuda/cudnn/graph.hpp>
#include <weft/backends/cuda/cudnn/library.hpp>
#include <weft/backends/cuda/cudnn/sdpa_plan.hpp>

namespace weft::cuda {
namespace {

using cudnn::Graph, cudnn::Plan;
namespace fe = cudnn_frontend;
using Attributes = std::shared_ptr<fe::graph::Tensor_attributes>;

enum Uid : int64_t {
  query_uid = 1,
  key_uid,
  value_uid,
  out_uid,
  logsumexp_uid,
  d_out_uid,
  d_query_uid,
  d_key_uid,
  d_value_uid,
  query_lengths_uid,
  key_lengths_uid
};

std::vector<int64_t> list(const std::array<int64_t, 4>& values) { return {values.begin(), values.end()}; }

void describe(fe::graph::Tensor_attributes& attributes, Uid uid, const SdpaTensor& tensor) {
  attributes.set_uid(uid).set_dim(list(tensor.extents)).set_stride(list(tensor.strides));
}

Attributes input(Graph& graph, Uid uid, const SdpaTensor& tensor) {
  fe::graph::Tensor_attributes attributes;
  describe(attributes, uid, tensor);
  return graph.tensor(attributes);
}

void output(const Attributes& result, Uid uid, const SdpaTensor& tensor) {
  result->set_output(true);
  describe(*result, uid, tensor);
}

/// What the call and its gradient are told alike.
template <class Options> void set_masks(Graph& graph, const SdpaPlan& plan, Options& options) {
  options.set_attn_scale(static_cast<float>(plan.scale));
  if (plan.causal != Causal::none) {
    options.set_diagonal_alignment(plan.causal == Causal::top_left ? fe::DiagonalAlignment_t::TOP_LEFT
                                                                   : fe::DiagonalAlignment_t::BOTTOM_RIGHT);
    options.set_diagonal_band_right_bound(0);
  }
  if (!plan.has_lengths) return;
  const SdpaTensor lengths{{plan.query.extents[0], 1, 1, 1}, {1, 1, 1, 1}};
  Attributes queries = input(graph, query_lengths_uid, lengths), keys = input(graph, key_lengths_uid, lengths);
  queries->set_data_type(fe::DataType_t::INT32);
  keys->set_data_type(fe::DataType_t::INT32);
  options.set_padding_mask(true).set_seq_len_q(queries).set_seq_len_kv(keys);
}

std::shared_ptr<Graph> graph_of(const SdpaPlan& plan, Device device) {
  auto graph = cudnn::new_graph(plan.dtype);
  graph->set_sm_version(cudnn::capability(device));
  return graph;
}

std::shared_ptr<Graph> forward_graph(const SdpaPlan& plan, Device device) {
  auto graph = graph_of(plan, device);
  fe::graph::SDPA_attributes options;
  options.set_name("attention").set_generate_stats(true);
  set_masks(*graph, plan, options);
  auto [out, logsumexp] = graph->sdpa(input(*graph, query_uid, plan.query), input(*graph, key_uid, plan.key),
                                      input(*graph, value_uid, plan.value), options);
  output(out, out_uid, plan.out);
  output(logsumexp, logsumexp_uid, plan.logsumexp);
  logsumexp->set_data_type(fe::DataType_t::FLOAT);
  return graph;
}

/// The arrays of the gradient that the call does not have.
struct GradientTensors {
  SdpaTensor d_out, d_query, d_key, d_value;
};

std::shared_ptr<Graph> backward_graph(const SdpaPlan& plan, const GradientTensors& tensors, Device device) {
  auto graph = graph_of(plan, device);
  fe::graph::SDPA_backward_attributes options;
  options.set_name("attention_gradient").set_deterministic_algorithm(true);
  set_masks(*graph, plan, options);
  Attributes logsumexp = input(*graph, logsumexp_uid, plan.logsumexp);
  logsumexp->set_data_type(fe::DataType_t::FLOAT);
  auto [d_query, d_key, d_value] = graph->sdpa_backward(
      input(*graph, query_uid, plan.query), input(*graph, key_uid, plan.key), input(*graph, value_uid, plan.value),
      input(*graph, out_uid, plan.out), input(*graph, d_out_uid, tensors.d_out), logsumexp, options);
  output(d_query, d_query_uid, tensors.d_query);
  output(d_key, d_key_uid, tensors.d_key);
  output(d_value, d_value_uid, tensors.d_value);
  return graph;
}

using Key = std::tuple<bool, int, std::vector<int64_t>>;

template <class Make>
std::shared_ptr<const Plan> find(const SdpaPlan& plan, bool gradient, Device device, Make&& make) {
  static auto& plans = *new cudnn::PlanCache<Key>;  // never destroyed: the driver may be gone by then
  return plans.find({gradient, device.index(), plan.cache_key()},
                    [&] { return cudnn::build(make(), plan.dtype, device); });
}

void* pointer(const Tensor& tensor) { return const_cast<void*>(tensor.raw()); }

/// What both are called with: query, key, value and lengths, which cuDNN wants of both sides or of none.
struct Call {
  std::unordered_map<int64_t, void*> tensors;
  SdpaLengths lengths;

  Call(const op::Attention& op, std::span<const Tensor> inputs) {
    const AttentionInputs in(op, inputs);
    tensors = {{query_uid, pointer(in.query)}, {key_uid, pointer(in.key)}, {value_uid, pointer(in.value)}};
    if (!op.has_query_lengths && !op.has_key_lengths) return;
    const int64_t batch = in.query.shape()[0];
    lengths = {Tensor::empty({batch}, DType::int32, in.query.device()),
               Tensor::empty({batch}, DType::int32, in.query.device())};
    fill_lengths(in.query_lengths, in.query.shape()[1], lengths.query);
    fill_lengths(in.key_lengths, in.key.shape()[1], lengths.key);
    tensors[query_lengths_uid] = pointer(lengths.query);
    tensors[key_lengths_uid] = pointer(lengths.key);
  }
};

/// [batch, heads, Lq], for cuDNN's logsumexp.
Tensor empty_stats(const SdpaPlan& plan, Device device) {
  const auto& extents = plan.logsumexp.extents;
  return Tensor::empty({extents[0], extents[1], extents[2]}, DType::float32, device);
}

}  // namespace

bool cudnn_attention(const op::Attention& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  if (!sdpa_refusal(op, inputs, outputs[0]).empty()) return false;
  const Device device = inputs[0].device();
  if (!cudnn::handle(device)) return false;
  const SdpaPlan plan = plan_sdpa(op, inputs, outputs[0]);
  const auto built = find(plan, false, device, [&] { return forward_graph(plan, device); });
  if (!built) return false;
  Call call(op, inputs);
  Tensor stats = empty_stats(plan, device);
  call.tensors[out_uid] = pointer(outputs[0]);
  call.tensors[logsumexp_uid] = pointer(stats);
  if (!cudnn::run(*built, call.tensors, device)) return false;
  logsumexp_from_stats(stats, call.lengths, outputs[1], outputs[0]);
  return true;
}

bool cudnn_attention_gradient(const op::AttentionGrad& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const auto first_result = static_cast<size_t>(op.call.inputs()), results = static_cast<size_t>(op.call.outputs());
  const Tensor &out = inputs[first_result], &logsumexp = inputs[first_result + 1];
  const Tensor& d_out = inputs[first_result + results];
  if (!sdpa_refusal(op.call, inputs, out).empty() || !sdpa_refusal(op.call, inputs, d_out).empty()) return false;
  const Device device = inputs[0].device();
  if (!cudnn::handle(device)) return false;
  const SdpaPlan plan = plan_sdpa(op.call, inputs, out);

  // cuDNN computes all three.
  Tensor gradients[3];
  size_t next = 0;
  for (int i : {op.query, op.key, op.value}) {
    const auto place = static_cast<size_t>(i);
    gradients[place] = op.wants(i) ? outputs[next++] : Tensor::empty(inputs[place].shape(), plan.dtype, device);
  }
  const GradientTensors tensors{sdpa_tensor(d_out), sdpa_tensor(gradients[0]), sdpa_tensor(gradients[1]),
                                sdpa_tensor(gradients[2])};
  const auto built = find(plan, true, device, [&] { return backward_graph(plan, tensors, device); });
  if (!built) return false;
  Call call(op.call, inputs);
  Tensor stats = empty_stats(plan, device);
  stats_from_logsumexp(logsumexp, stats);
  call.tensors[out_uid] = pointer(out);
  call.tensors[d_out_uid] = pointer(d_out);
  call.tensors[logsumexp_uid] = pointer(stats);
  call.tensors[d_query_uid] = pointer(gradients[0]);
  call.tensors[d_key_uid] = pointer(gradients[1]);
  call.tensors[d_value_uid] = pointer(gradients[2]);
  if (!cudnn::run(*built, call.tensors, device)) return false;
  if (call.lengths.query.defined()) {
    clear_past_lengths(call.lengths.query, call.lengths.key, gradients[0]);
    clear_past_lengths(call.lengths.key, call.lengths.query, gradients[1]);
    clear_past_lengths(call.lengths.key, call.lengths.query, gradients[2]);
  }
  return true;
}

}  // namespace weft::cuda
