#include <weft/autograd/ops/attention.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/reduce.hpp>

#include "differentiate.hpp"
#include "run.hpp"

namespace weft::conformance {

namespace {

AttentionOptions flax_options(const Inputs& in, bool causal) {
  AttentionOptions options;
  options.mask = in.get("in.mask");
  options.bias = in.get("in.bias");
  options.causal = causal ? Causal::top_left : Causal::none;
  options.fully_masked = FullyMasked::uniform;
  return options;
}

void run_nnx(Check& check) {
  const bool causal = check.config()["is_causal"].flag();
  differentiate(check, Inputs(check.golden(), {"in."}), [&](const Inputs& in) {
    return Named{{"y", attention(in["in.query"], in["in.key"], in["in.value"], flax_options(in, causal))}};
  });
}

void run_nnx_weights(Check& check) {
  const bool causal = check.config()["is_causal"].flag();
  differentiate(check, Inputs(check.golden(), {"in."}), [&](const Inputs& in) {
    const Tensor& key = in["in.key"];
    return Named{{"weights", attention_with_weights(in["in.query"], key, key, flax_options(in, causal)).weights}};
  });
}

void run_jax(Check& check) {
  const Config& config = check.config();
  const bool causal = config["is_causal"].flag(), residual = config["return_residual"].flag();
  if (config.has("fully_masked_rows")) config["fully_masked_rows"].flag();
  std::optional<double> scale;
  if (!config["scale"].is_null()) scale = config["scale"].number();
  int64_t left = -1, right = -1;
  const Config& window = config["local_window_size"];
  if (window.is_number()) left = right = window.integer();
  else if (!window.is_null()) left = window.items().at(0).integer(), right = window.items().at(1).integer();
  differentiate(check, Inputs(check.golden(), {"in."}), [&](const Inputs& in) {
    AttentionOptions options = flax_options(in, causal);
    options.query_lengths = in.get("in.query_seq_lengths");
    options.key_lengths = in.get("in.key_value_seq_lengths");
    options.scale = scale;
    options.window_left = left;
    options.window_right = right;
    if (!residual) return Named{{"y", attention(in["in.query"], in["in.key"], in["in.value"], options)}};
    AttentionResult result = attention_with_weights(in["in.query"], in["in.key"], in["in.value"], options);
    return Named{{"y", result.out}, {"residual", result.logsumexp}};
  });
}

void run_masks(Check& check) {
  const Case& golden = check.golden();
  const Tensor query_valid = golden["in.query_valid"], key_valid = golden["in.key_valid"];
  const int64_t length = query_valid.size(-1);
  const Tensor causal = make_causal_mask(length, length);
  check.equal("out.attention_mask", cast(make_attention_mask(query_valid, key_valid), float32));
  check.equal("out.causal_mask", cast(broadcast_to(causal, {query_valid.size(0), 1, length, length}), float32));
  check.equal("out.combined", cast(combine_masks({make_attention_mask(query_valid, query_valid), causal}), float32));
}

}  // namespace

void add_attention_functions(RunnerTable& table) {
  table["nnx.dot_product_attention"] = run_nnx;
  table["nnx.dot_product_attention_weights"] = run_nnx_weights;
  table["jax.nn.dot_product_attention"] = run_jax;
  table["nnx.masks"] = run_masks;
}

}  // namespace weft::conformance
