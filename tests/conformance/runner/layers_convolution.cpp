#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/layers/conv.hpp>
#include <weft/layers/pooling.hpp>

#include "convolution.hpp"
#include "differentiate.hpp"
#include "run.hpp"

namespace weft::conformance {

Padding padding_of(const Config& padding) {
  if (padding.is_text()) {
    static const std::map<std::string, PaddingRule> rules{{"VALID", PaddingRule::valid},
                                                          {"SAME", PaddingRule::same},
                                                          {"CIRCULAR", PaddingRule::circular},
                                                          {"CAUSAL", PaddingRule::causal}};
    auto found = rules.find(padding.text());
    if (found == rules.end()) throw Unsupported("padding " + padding.text());
    return found->second;
  }
  if (padding.is_number()) return static_cast<int>(padding.integer());
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (const Config& pair : padding.items())
    pairs.emplace_back(pair.items().at(0).integer(), pair.items().at(1).integer());
  return pairs;
}

ConvOptions convolution_options(const Config& config) {
  ConvOptions options;
  options.in_features = config["in_features"].integer();
  options.out_features = config["out_features"].integer();
  options.kernel_size = config["kernel_size"].shape();
  options.strides = config.shape("strides", {});
  options.padding = padding_of(config["padding"]);
  options.input_dilation = config.shape("input_dilation", {});
  options.kernel_dilation = config.shape("kernel_dilation", {});
  options.groups = config.integer("feature_group_count", 1);
  options.use_bias = config["use_bias"].flag();
  return options;
}

namespace {

void run_conv(Check& check) {
  ConvOptions options = convolution_options(check.config());
  if (check.golden().has("in.kernel_mask")) options.mask = cast(check.golden()["in.kernel_mask"], float32);
  Rngs rngs(0);
  Conv conv(options, rngs);
  run_layer(check, module_ref(conv), [&](const Inputs& in) { return Named{{"y", conv(in["in.x"])}}; });
}

/// The op: Weft has no layer of it.
void run_conv_transpose(Check& check) {
  const Config& config = check.config();
  ConvTransposeArguments arguments;
  arguments.strides = config.shape("strides", {});
  arguments.padding = padding_of(config["padding"]);
  arguments.kernel_dilation = config.shape("kernel_dilation", {});
  arguments.transpose_kernel = config["transpose_kernel"].flag();
  const bool bias = config["use_bias"].flag();
  for (const char* shown_by_the_kernel : {"in_features", "out_features", "kernel_size"})
    config.ignore(shown_by_the_kernel);
  differentiate(check, Inputs(check.golden(), {"in.", "param."}), [&](const Inputs& in) {
    const Tensor y = conv_transpose(in["in.x"], in["param.kernel"], arguments);
    return Named{{"y", bias ? y + in["param.bias"] : y}};
  });
}

template <class Pool> void run_pool(Check& check) {
  const Config& config = check.config();
  const Pool pool(PoolOptions{.window = config["window_shape"].shape(),
                              .strides = config.shape("strides", {}),
                              .padding = padding_of(config["padding"]),
                              .count_include_pad = config.flag("count_include_pad", true)});
  differentiate(check, Inputs(check.golden(), {"in."}), [&](const Inputs& in) {
    return Named{{"y", pool(in["in.x"])}};
  });
}

}  // namespace

void add_convolution_layers(RunnerTable& table) {
  table["nnx.Conv"] = run_conv;
  table["nnx.ConvTranspose"] = run_conv_transpose;
  table["nnx.max_pool"] = run_pool<MaxPool>;
  table["nnx.min_pool"] = run_pool<MinPool>;
  table["nnx.avg_pool"] = run_pool<AvgPool>;
}

}  // namespace weft::conformance
