// PyTorch's attention, by way of Weft's attention op.

#include <weft/autograd/ops/attention.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/join.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/matmul.hpp>
#include <weft/autograd/ops/pad.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/ops/unary.hpp>

#include "differentiate.hpp"
#include "run.hpp"

namespace weft::conformance {

namespace {

struct TorchOptions {
  int64_t embed_dim, num_heads;
  bool bias, bias_kv, zero_attn, batch_first, weights, average;

  explicit TorchOptions(const Config& config)
      : embed_dim(config["embed_dim"].integer()),
        num_heads(config["num_heads"].integer()),
        bias(config["bias"].flag()),
        bias_kv(config["add_bias_kv"].flag()),
        zero_attn(config["add_zero_attn"].flag()),
        batch_first(config["batch_first"].flag()),
        weights(config["need_weights"].flag()),
        average(config["average_attn_weights"].flag()) {
    if (config.has("fully_masked_rows")) config["fully_masked_rows"].flag();
    // The widths show in the weights' shapes.
    config.ignore("kdim");
    config.ignore("vdim");
  }
};

/// [batch, length, features], whatever the layout was; undone by a second call.
Tensor batch_first(const Tensor& x, const TorchOptions& options) {
  return options.batch_first || x.rank() < 3 ? x : swapaxes(x, 0, 1);
}

/// Projection `part` (0 query, 1 key, 2 value), split into heads: [batch..., length, heads, head_dim].
Tensor project(const Tensor& x, const Inputs& in, int part, const TorchOptions& options) {
  static const char* const separate[] = {"param.q_proj_weight", "param.k_proj_weight", "param.v_proj_weight"};
  const int64_t first = part * options.embed_dim, last = first + options.embed_dim;
  const Tensor weight =
      in.has("param.in_proj_weight") ? slice_axis(in["param.in_proj_weight"], 0, first, last) : in[separate[part]];
  const Tensor bias = options.bias ? slice_axis(in["param.in_proj_bias"], 0, first, last) : Tensor();
  const Tensor projected = linear(x, transpose(weight), bias);
  Shape shape = projected.shape();
  shape[shape.rank() - 1] = options.num_heads;
  shape.push_back(options.embed_dim / options.num_heads);
  return reshape(projected, shape);
}

/// bias_k or bias_v [1, 1, E] as one more row of projected keys or values [batch..., length, heads, head_dim].
Tensor append_row(const Tensor& rows, const Tensor& bias) {
  Shape shape = rows.shape();
  shape[shape.rank() - 3] = 1;
  const Tensor row = reshape(bias, {shape[shape.rank() - 2], shape[shape.rank() - 1]});
  return concatenate({rows, broadcast_to(row, shape)}, rows.rank() - 3);
}

/// A mask whose last axis gets one more key, always seen.
Tensor append_key(const Tensor& mask, double value) {
  if (!mask.defined()) return mask;
  std::vector<PadWidth> widths(static_cast<size_t>(mask.rank()), {0, 0});
  widths.back().second = 1;
  return pad(mask, widths, value);
}

AttentionOptions masks_of(const Inputs& in, const TorchOptions& options, bool extra_key) {
  AttentionOptions result;
  Tensor mask = in.get("in.attn_mask");
  if (mask.defined() && mask.rank() == 3)  // [batch * heads, Lq, Lk]
    mask = reshape(mask, {-1, options.num_heads, mask.size(1), mask.size(2)});
  if (mask.defined() && mask.dtype() == boolean) result.mask = logical_not(mask);
  else result.bias = mask;
  if (in.has("in.key_padding_mask"))
    result.mask = combine_masks({result.mask, logical_not(expand_dims(in["in.key_padding_mask"], Shape{1, 2}))});
  if (extra_key) {
    result.mask = append_key(result.mask, 1);
    result.bias = append_key(result.bias, 0);
  }
  return result;
}

Named attend(const Inputs& in, const TorchOptions& options) {
  const Tensor query_input = batch_first(in["in.query"], options);
  const Tensor key_input = in.has("in.key") ? batch_first(in["in.key"], options) : query_input;
  const Tensor value_input = in.has("in.value") ? batch_first(in["in.value"], options) : key_input;
  const Tensor query = project(query_input, in, 0, options);
  Tensor key = project(key_input, in, 1, options), value = project(value_input, in, 2, options);
  // The last of the additional keys is the null slot of Weft's op, which no mask hides.
  const bool appended = options.bias_kv && options.zero_attn;
  AttentionOptions call = masks_of(in, options, appended);
  const Shape slot{options.num_heads, options.embed_dim / options.num_heads};
  if (appended) {
    key = append_row(key, in["param.bias_k"]);
    value = append_row(value, in["param.bias_v"]);
  } else if (options.bias_kv) {
    call.null_key = reshape(in["param.bias_k"], slot);
    call.null_value = reshape(in["param.bias_v"], slot);
  }
  if (options.zero_attn) call.null_key = call.null_value = zeros(slot);

  Named outputs;
  Tensor attended;
  if (options.weights) {
    AttentionResult result = attention_with_weights(query, key, value, call);
    attended = result.out;
    outputs.emplace("attention_weights", options.average ? mean(result.weights, -3) : result.weights);
  } else {
    attended = attention(query, key, value, call);
  }
  const Tensor y = linear(flatten(attended, -2, -1), transpose(in["param.out_proj.weight"]),
                          options.bias ? in["param.out_proj.bias"] : Tensor());
  outputs.emplace("y", batch_first(y, options));
  return outputs;
}

void run_multi_head(Check& check) {
  const TorchOptions options(check.config());
  differentiate(check, Inputs(check.golden(), {"in.", "param."}),
                [&](const Inputs& in) { return attend(in, options); });
}

void run_scaled_dot_product(Check& check) {
  const Config& config = check.config();
  config["enable_gqa"].flag();  // shows in the shapes
  if (config.has("fully_masked_rows")) config["fully_masked_rows"].flag();
  AttentionOptions fixed;
  fixed.causal = config["is_causal"].flag() ? Causal::top_left : Causal::none;
  if (!config["scale"].is_null()) fixed.scale = config["scale"].number();
  const std::string alignment = config.text("causal_alignment", "top_left");
  if (alignment != "top_left" && alignment != "bottom_right") throw Unsupported("causal_alignment " + alignment);
  const bool bottom_right = alignment == "bottom_right";
  if (bottom_right) {  // the mask says the same, so Weft's own rule takes its place
    const Case& golden = check.golden();
    check.equal("in.attn_mask",
                make_causal_mask(golden["in.query"].size(-2), golden["in.key"].size(-2), Causal::bottom_right));
    fixed.causal = Causal::bottom_right;
  }
  differentiate(check, Inputs(check.golden(), {"in."}), [&](const Inputs& in) {
    AttentionOptions options = fixed;
    const Tensor mask = in.get("in.attn_mask");
    if (mask.defined() && !bottom_right) (mask.dtype() == boolean ? options.mask : options.bias) = mask;
    const Tensor y = attention(swapaxes(in["in.query"], -3, -2), swapaxes(in["in.key"], -3, -2),
                               swapaxes(in["in.value"], -3, -2), options);
    return Named{{"y", swapaxes(y, -3, -2)}};
  });
}

}  // namespace

void add_torch_attention(RunnerTable& table) {
  table["torch.nn.MultiheadAttention"] = run_multi_head;
  table["torch.nn.functional.scaled_dot_product_attention"] = run_scaled_dot_product;
}

}  // namespace weft::conformance
