#include <weft/autograd/tape.hpp>
#include <weft/layers/attention.hpp>
#include <weft/layers/capture.hpp>
#include <weft/layers/graph.hpp>
#include <weft/layers/module.hpp>

#include "attention_layer.hpp"
#include "differentiate.hpp"
#include "run.hpp"

namespace weft::conformance {

MultiHeadAttentionOptions attention_options(const Config& config) {
  MultiHeadAttentionOptions options;
  options.query_features = config["in_features"].integer();
  options.key_features = config.integer("in_kv_features", options.query_features);
  options.value_features = config.integer("in_value_features", options.key_features);
  options.num_heads = config["num_heads"].integer();
  options.num_key_value_heads = config.integer("num_kv_heads", options.num_heads);
  const int64_t projected = config.integer("qkv_features", options.query_features);
  if (projected % options.num_heads != 0) throw Unsupported("qkv_features that num_heads does not divide");
  options.head_dim = projected / options.num_heads;
  options.out_features = config.integer("out_features", options.query_features);
  options.use_bias = config.flag("use_bias", true);
  options.normalize_qk = config.flag("normalize_qk", false);
  options.causal = config.flag("is_causal", false) ? Causal::top_left : Causal::none;
  options.sow_weights = config.flag("sow_weights", false);
  options.fully_masked = FullyMasked::uniform;
  return options;
}

namespace {

void decode(Check& check, MultiHeadAttention& attention) {
  const Case& golden = check.golden();
  const int64_t steps = check.config()["steps"].integer();
  load_parameters(golden, module_ref(attention));
  attention.init_cache(check.config()["batch"].shape(), check.config()["max_length"].integer());
  load_state(golden, module_ref(attention));
  NoGrad scope;
  const AttentionCall call{.mask = golden.get("in.mask")};
  for (int64_t step = 0; step < steps; ++step) {
    const std::string suffix = "." + std::to_string(step);
    check.equal("out.y" + suffix, attention.decode(golden["in.query" + suffix], call));
    for (auto [path, value, kind] : state(attention, of_type<Cache>)) check.equal("new_state." + path + suffix, value);
  }
}

void run_attention(Check& check) {
  const Config& config = check.config();
  if (config.has("fully_masked_rows")) config["fully_masked_rows"].flag();
  Rngs rngs(0);
  MultiHeadAttention attention(attention_options(config), rngs);
  if (config.flag("decode", false)) return decode(check, attention);
  const bool sows = attention.sow_weights;
  run_layer(check, module_ref(attention), [&](const Inputs& in) {
    const AttentionCall call{.mask = in.get("in.mask")};
    auto [y, sown] = capture([&] {
      if (in.has("in.value")) return attention(in["in.query"], in["in.key"], in["in.value"], call);
      if (in.has("in.key")) return attention(in["in.query"], in["in.key"], call);
      return attention(in["in.query"], call);
    });
    Named outputs{{"y", y}};
    if (sows) outputs.emplace("attention_weights", sown["attention_weights"]);
    return outputs;
  });
}

}  // namespace

void add_nnx_attention(RunnerTable& table) { table["nnx.MultiHeadAttention"] = run_attention; }

}  // namespace weft::conformance
