#include <weft/examples/hierarchical_fusion/legend_model.hpp>

#include <array>

namespace weft::examples::hierarchy {
namespace {

constexpr std::array<const char*, 8> fusion_names{"attention", "add", "concat", "gate", "aff", "cls", "high", "low"};

/// A window of 3 over an even extent has no middle: with the padding before, it sits half a pixel low, behind, half a
/// pixel high. Low, low, high puts the last layer's windows on their cells, so that what attends to a cell looks at
/// what is in it.
const Padding before = {{1, 0}, {1, 0}}, behind = {{0, 1}, {0, 1}};

ConvOptions window(int64_t in, int64_t out, int64_t stride = 1, const Padding& padding = PaddingRule::same) {
  return {.in_features = in,
          .out_features = out,
          .kernel_size = {3, 3},
          .strides = {stride, stride},
          .padding = padding,
          .use_bias = false};
}

ConvOptions dilated(int64_t in, int64_t out, int64_t dilation) {
  ConvOptions options = window(in, out);
  options.kernel_dilation = {dilation, dilation};
  return options;
}

MultiHeadAttentionOptions looking(const LegendModelOptions& options) {
  MultiHeadAttentionOptions attention{.query_features = low_width,
                                      .key_features = high_width,
                                      .out_features = low_width,
                                      .num_heads = options.heads,
                                      .head_dim = 64 / options.heads,
                                      .sow_weights = true};
  if (options.uniform_attention) attention.scale = 0.0;
  return attention;
}

std::vector<ConvBlock> high_level(Fusion fusion, Rngs& rngs) {
  std::vector<ConvBlock> blocks;
  if (fusion == Fusion::low_only) return blocks;
  blocks.emplace_back(window(low_width, 64, 2, before), rngs);
  blocks.emplace_back(window(64, 96, 2, behind), rngs);
  blocks.emplace_back(window(96, 96), rngs);
  return blocks;
}

/// Channels inside the context stage, such that every fusion has about as many parameters as attention.
int64_t context_channels(Fusion fusion) {
  switch (fusion) {
    case Fusion::add: return 24;
    case Fusion::concat: return 19;
    case Fusion::gate: return 17;
    case Fusion::aff: return 23;
    case Fusion::high_only: return 24;
    default: return 0;
  }
}

std::vector<Context> context_stage(Fusion fusion, Rngs& rngs) {
  std::vector<Context> stages;
  if (int64_t channels = context_channels(fusion); channels > 0) stages.emplace_back(channels, rngs);
  return stages;
}

bool looks(Fusion fusion) { return fusion == Fusion::attention || fusion == Fusion::class_token; }

std::vector<LookUp> look_ups(const LegendModelOptions& options, Rngs& rngs) {
  std::vector<LookUp> layers;
  for (int64_t i = 0; looks(options.fusion) && i < options.cross_layers; ++i) layers.emplace_back(options, rngs);
  return layers;
}

std::optional<LayerNorm> norm_of_tokens(Fusion fusion, Rngs& rngs) {
  if (!looks(fusion)) return std::nullopt;
  return LayerNorm({.num_features = high_width}, rngs);
}

std::vector<ConvBlock> mixing(Fusion fusion, Rngs& rngs) {
  std::vector<ConvBlock> blocks;
  if (fusion == Fusion::concat || fusion == Fusion::gate) blocks.emplace_back(window(2 * low_width, low_width), rngs);
  if (fusion == Fusion::low_only) {
    constexpr int64_t width = 60;
    blocks.emplace_back(window(low_width, width), rngs);
    for (int i = 0; i < 5; ++i) blocks.emplace_back(window(width, width), rngs);
    blocks.emplace_back(window(width, low_width), rngs);
  }
  return blocks;
}

std::vector<Linear> projections(Fusion fusion, Rngs& rngs) {
  std::vector<Linear> layers;
  auto add = [&](int64_t in, int64_t out) {
    layers.emplace_back(LinearOptions{.in_features = in, .out_features = out}, rngs);
  };
  if (!looks(fusion) && fusion != Fusion::low_only) add(high_width, low_width);
  if (fusion == Fusion::gate) {
    add(low_width, low_width);  // of the low level
    add(low_width, low_width);  // of the high level
    add(low_width, 1);
  }
  if (fusion == Fusion::aff) {
    for (int i = 0; i < 2; ++i) {  // close by, then over the whole picture
      add(low_width, 16);
      add(16, low_width);
    }
  }
  return layers;
}

}  // namespace

const char* name_of(Fusion fusion) { return fusion_names[static_cast<size_t>(fusion)]; }

Fusion fusion_of(const std::string& name) {
  std::string known;
  for (size_t i = 0; i < fusion_names.size(); ++i) {
    if (name == fusion_names[i]) return static_cast<Fusion>(i);
    known += (i == 0 ? "" : ", ") + std::string(fusion_names[i]);
  }
  throw ValueError("fusion: expected one of " + known + ", got '" + name + "'");
}

LookUp::LookUp(const LegendModelOptions& options, Rngs& rngs)
    : norm({.num_features = low_width}, rngs), attend(looking(options), rngs), feed(low_width, 64, rngs) {}

Tensor LookUp::operator()(const Tensor& queries, const Tensor& tokens) const {
  Scope scope(*this);
  return feed(queries + attend(norm(queries), tokens));
}

ConvBlock::ConvBlock(const ConvOptions& options, Rngs& rngs)
    : conv(options, rngs), norm({.num_features = options.out_features, .momentum = 0.97}, rngs) {}

Tensor ConvBlock::operator()(const Tensor& x) const {
  Scope scope(*this);
  return relu(norm(conv(x)));
}

Context::Context(int64_t hidden, Rngs& rngs) : wide(dilated(96, hidden, 3), rngs), close(window(hidden, 96), rngs) {}

Tensor Context::operator()(const Tensor& x) const {
  Scope scope(*this);
  return x + close(wide(x));
}

LegendModel::LegendModel(const LegendModelOptions& options, Rngs& rngs)
    : first(window(3, 24, 2, before), rngs),
      low(window(24, low_width), rngs),
      high(high_level(options.fusion, rngs)),
      context(context_stage(options.fusion, rngs)),
      look(look_ups(options, rngs)),
      token_norm(norm_of_tokens(options.fusion, rngs)),
      mix(mixing(options.fusion, rngs)),
      project(projections(options.fusion, rngs)),
      smooth(window(low_width, low_width), rngs),
      label({.in_features = low_width, .out_features = sub_pixels * sub_pixels * map_classes}, rngs),
      fusion(options.fusion) {
  if (!high.empty()) read.emplace_back(LinearOptions{.in_features = 96, .out_features = map_classes}, rngs);
}

MapLogits LegendModel::operator()(const Tensor& pictures, const Tensor& sources) const {
  Scope scope(*this);
  Tensor pixels = low(first(pictures));
  Tensor cells = sources.defined() ? low(first(sources)) : pixels;
  for (const ConvBlock& block : high) {
    Tensor next = block(cells);
    cells = next.shape() == cells.shape() ? cells + next : next;
  }
  MapLogits logits;
  if (!high.empty()) logits.cells = read[0](cells);
  for (const Context& stage : context) cells = stage(cells);
  if (!high.empty()) {
    int64_t rows = cells.size(1), columns = cells.size(2);
    Tensor places = position_features(rows, columns).to(cells.device());
    cells = concatenate({cells, broadcast_to(places, {cells.size(0), rows, columns, 16})}, -1);
  }
  Tensor labels = label(smooth(fuse(pixels, cells)));
  logits.pixels =
      reshape(labels, {labels.size(0), labels.size(1), labels.size(2), sub_pixels, sub_pixels, map_classes});
  return logits;
}

Tensor LegendModel::fuse(const Tensor& pixels, const Tensor& cells) const {
  if (fusion == Fusion::low_only) {
    Tensor x = pixels;
    for (const ConvBlock& block : mix) x = block(x);
    return x;
  }
  if (looks(fusion)) {
    Tensor tokens = (*token_norm)(flatten(cells, 1, 2));
    bool all = fusion == Fusion::attention;
    Tensor queries = all ? flatten(pixels, 1, 2) : mean(flatten(pixels, 1, 2), {1}, true);
    for (const LookUp& layer : look) queries = layer(queries, tokens);
    return all ? reshape(queries, pixels.shape()) : pixels + expand_dims(queries, 1);
  }
  Tensor above = resize(project[0](cells), {low_extent, low_extent}, Sampling::nearest);
  switch (fusion) {
    case Fusion::add: return pixels + above;
    case Fusion::concat: return mix[0](concatenate({pixels, above}, -1));
    case Fusion::gate: {
      Tensor open = sigmoid(project[3](relu(project[1](pixels) + project[2](above))));
      return mix[0](concatenate({pixels * open, above}, -1));
    }
    case Fusion::aff: {
      Tensor both = pixels + above;
      Tensor close = project[2](relu(project[1](both)));
      Tensor whole = project[4](relu(project[3](mean(both, {1, 2}, true))));
      Tensor share = sigmoid(close + whole);
      return share * pixels + (1.0f - share) * above;
    }
    default: return above;
  }
}

void make_attention_uniform(LegendModel& model) {
  for (LookUp& layer : model.look) layer.attend.scale = 0.0;
}

LegendModel make_legend_model(const LegendModelOptions& options, uint64_t seed) {
  Rngs rngs(seed);
  LegendModel model(options, rngs);
  initialize(model, Tensor::meta({2, picture_extent, picture_extent, 3}));
  return model;
}

}  // namespace weft::examples::hierarchy
