#include <weft/layers/dropout.hpp>
#include <weft/layers/embed.hpp>
#include <weft/layers/linear.hpp>
#include <weft/layers/module.hpp>
#include <weft/layers/prelu.hpp>

#include "differentiate.hpp"
#include "run.hpp"

namespace weft::conformance {

namespace {

/// For a layer that is called on `in.x` alone.
template <Module T> void run_on_x(Check& check, T layer) {
  run_layer(check, module_ref(layer), [&](const Inputs& in) { return Named{{"y", layer(in["in.x"])}}; });
}

void run_linear(Check& check) {
  const Config& config = check.config();
  Rngs rngs(0);
  run_on_x(check, Linear({.in_features = config["in_features"].integer(),
                          .out_features = config["out_features"].integer(),
                          .use_bias = config["use_bias"].flag()},
                         rngs));
}

void run_linear_general(Check& check) {
  const Config& config = check.config();
  LinearGeneralOptions options;
  options.in_features = config["in_features"].shape();
  options.out_features = config["out_features"].shape();
  options.axis = config["axis"].shape();
  for (const auto& [axis, size] : config["batch_axis"].entries()) {
    options.batch_axis.push_back(integer_key(axis));
    options.batch_sizes.push_back(size.integer());
  }
  options.use_bias = config["use_bias"].flag();
  Rngs rngs(0);
  run_on_x(check, LinearGeneral(options, rngs));
}

void run_embed(Check& check) {
  const Config& config = check.config();
  Rngs rngs(0);
  Embed embed({.num_embeddings = config["num_embeddings"].integer(), .features = config["features"].integer()}, rngs);
  const std::string method = config["method"].text();
  if (method != "__call__" && method != "attend" && method != "both") throw Unsupported("option method = " + method);
  run_layer(check, module_ref(embed), [&](const Inputs& in) {
    Named outputs;
    if (method != "attend") outputs.emplace("y", embed(in["in.ids"]));
    if (method != "__call__") outputs.emplace(method == "both" ? "logits" : "y", embed.attend(in["in.query"]));
    return outputs;
  });
}

void run_dropout(Check& check) {
  const Config& config = check.config();
  config.require_unset("broadcast_dims");
  Rngs rngs(0);
  run_on_x(check, Dropout({.rate = config["rate"].number(), .deterministic = config["deterministic"].flag()}, rngs));
}

void run_prelu(Check& check) {
  run_on_x(check, PReLU(PReLUOptions{.negative_slope_init = check.config()["negative_slope_init"].number()}));
}

}  // namespace

void add_linear_layers(RunnerTable& table) {
  table["nnx.Linear"] = run_linear;
  table["nnx.LinearGeneral"] = run_linear_general;
  table["nnx.Embed"] = run_embed;
  table["nnx.Dropout"] = run_dropout;
  table["nnx.PReLU"] = run_prelu;
}

}  // namespace weft::conformance
