#include <weft/backends/cuda/cudnn/sdpa_plan.hpp>

#include <bit>

#include <weft/autograd/ops/attention_call.hpp>

namespace weft::cuda {
namespace {

/// Rows are read 16 bytes at a time.
constexpr int64_t bytes_at_once = 16;
constexpr int64_t most_features = 128;

bool is_aligned(const Tensor& x) {
  const SdpaTensor tensor = sdpa_tensor(x);
  for (int axis = 0; axis < 3; ++axis)
    if (tensor.strides[static_cast<size_t>(axis)] * size_of(x.dtype()) % bytes_at_once != 0) return false;
  return reinterpret_cast<uintptr_t>(x.raw()) % bytes_at_once == 0;
}

/// Batch entries or heads that share memory (stride 0), or that lie back to front.
bool is_plain(const Tensor& x) {
  const SdpaTensor tensor = sdpa_tensor(x);
  for (int64_t stride : tensor.strides)
    if (stride <= 0) return false;
  return tensor.strides[3] == 1;
}

}  // namespace

SdpaTensor sdpa_tensor(const Tensor& x) {
  const Shape& shape = x.shape();
  Strides strides = x.strides(), dense = row_major_strides(shape);
  for (int axis = 0; axis < 4; ++axis)
    if (shape[axis] == 1) strides[axis] = dense[axis];
  return {{shape[0], shape[2], shape[1], shape[3]}, {strides[0], strides[2], strides[1], strides[3]}};
}

std::string_view sdpa_refusal(const op::Attention& op, std::span<const Tensor> inputs, const Tensor& out) {
  const AttentionInputs in(op, inputs);
  const Shape &q = in.query.shape(), &k = in.key.shape(), &v = in.value.shape();
  if (!is_half(in.query.dtype())) return "float32 and float64 are computed as such";
  if (op.has_dropout) return "its dropout draws other numbers";
  if (op.has_mask) return "boolean masks";
  if (op.has_bias) return "biases, of which -inf masks";
  if (op.has_null) return "null slots";
  if (op.soft_cap > 0) return "soft caps";
  if (op.with_weights) return "the weights are asked for";
  if (op.window_left >= 0 || op.window_right >= 0) return "windows";
  const bool has_lengths = op.has_query_lengths || op.has_key_lengths, square = q[1] == k[1];
  if (op.fully_masked == FullyMasked::uniform && has_lengths) return "queries without keys that attend to all";
  // With lengths its last query is that of the length, ours that of the array.
  if (op.causal == Causal::bottom_right && !square && has_lengths) return "bottom right causality with lengths";
  if (op.causal == Causal::bottom_right && q[1] > k[1]) return "bottom right causality with more queries than keys";
  if (q.elements() == 0 || k.elements() == 0 || v.elements() == 0) return "nothing to compute";
  if (q[1] == 1 && k[1] == 1) return "a single query and key";
  for (int64_t features : {q[3], v[3]})
    if (features % 8 != 0 || features > most_features) return "heads whose size is not a multiple of 8 up to 128";
  for (const Tensor* x : {&in.query, &in.key, &in.value, &out})
    if (!is_plain(*x)) return "rows that are shared, reversed or have gaps";
  for (const Tensor* x : {&in.query, &in.key, &in.value, &out})
    if (!is_aligned(*x)) return "rows that are not aligned to 16 bytes";
  return {};
}

SdpaPlan plan_sdpa(const op::Attention& op, std::span<const Tensor> inputs, const Tensor& out) {
  const AttentionInputs in(op, inputs);
  SdpaPlan plan;
  plan.dtype = in.query.dtype();
  plan.scale = op.scale;
  plan.causal =
      op.causal == Causal::bottom_right && in.query.shape()[1] == in.key.shape()[1] ? Causal::top_left : op.causal;
  plan.has_lengths = op.has_query_lengths || op.has_key_lengths;
  plan.query = sdpa_tensor(in.query);
  plan.key = sdpa_tensor(in.key);
  plan.value = sdpa_tensor(in.value);
  plan.out = sdpa_tensor(out);
  const auto [batch, heads, length, features] = plan.query.extents;
  static_cast<void>(features);
  plan.logsumexp = {{batch, heads, length, 1}, {heads * length, length, 1, 1}};
  return plan;
}

std::vector<int64_t> SdpaPlan::cache_key() const {
  std::vector<int64_t> key{static_cast<int64_t>(dtype), std::bit_cast<int64_t>(scale), static_cast<int64_t>(causal),
                           has_lengths};
  for (const SdpaTensor* tensor : {&query, &this->key, &value, &out}) {
    key.insert(key.end(), tensor->extents.begin(), tensor->extents.end());
    key.insert(key.end(), tensor->strides.begin(), tensor->strides.end());
  }
  return key;
}

}  // namespace weft::cuda
