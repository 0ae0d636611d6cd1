#include <weft/examples/vqa/model.hpp>

#include <cmath>
#include <numbers>

namespace weft::examples::vqa {
namespace {

/// A window of 3 over an even extent has no middle: with the padding before, it sits half a pixel low, behind, half a
/// pixel high. Low, low, high puts the last layer's windows (centre 8 i + 4) on their cells (centre 8 i + 3.5), so that
/// what attends to a cell looks at what is in it.
const Padding before = {{1, 0}, {1, 0}}, behind = {{0, 1}, {0, 1}};

ConvOptions halving(int64_t out_features, const Padding& padding) {
  return {
      .out_features = out_features, .kernel_size = {3, 3}, .strides = {2, 2}, .padding = padding, .use_bias = false};
}

MultiHeadAttentionOptions cross_attention(const ModelOptions& options) {
  MultiHeadAttentionOptions attention{.query_features = word_width,
                                      .key_features = picture_width,
                                      .num_heads = options.heads,
                                      .head_dim = 64 / options.heads,
                                      .null_slot = options.null_slot,
                                      .sow_weights = true};
  if (options.uniform_attention) attention.scale = 0.0;
  return attention;
}

std::vector<CrossBlock> cross_blocks(const ModelOptions& options, Rngs& rngs) {
  std::vector<CrossBlock> blocks;
  for (int64_t i = 0; i < options.cross_layers; ++i) blocks.emplace_back(options, rngs);
  return blocks;
}

}  // namespace

Tensor position_features(int64_t rows, int64_t columns) {
  std::vector<float> values;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      for (int k = 0; k < 4; ++k)
        for (double place : {(static_cast<double>(row) + 0.5) / static_cast<double>(rows),
                             (static_cast<double>(column) + 0.5) / static_cast<double>(columns)}) {
          double angle = std::exp2(k) * std::numbers::pi * place;
          values.push_back(static_cast<float>(std::sin(angle)));
          values.push_back(static_cast<float>(std::cos(angle)));
        }
  return Tensor::from(values, {rows, columns, 16});
}

PictureEncoder::PictureEncoder(bool positions, Rngs& rngs)
    : first(halving(16, before), rngs),
      second(halving(32, before), rngs),
      third(halving(64, behind), rngs),
      first_norm({}, rngs),
      second_norm({}, rngs),
      third_norm({}, rngs),
      positions(positions) {}

Tensor PictureEncoder::operator()(const Tensor& pictures) const {
  Scope scope(*this);
  Tensor x = relu(first_norm(first(pictures)));
  x = relu(second_norm(second(x)));
  x = relu(third_norm(third(x)));
  int64_t batch = x.size(0), rows = x.size(1), columns = x.size(2);
  Tensor places = position_features(rows, columns).to(x.device());
  if (!positions) places = zeros_like(places);
  x = concatenate({x, broadcast_to(places, {batch, rows, columns, 16})}, -1);
  return reshape(x, {batch, rows * columns, picture_width});
}

FeedForward::FeedForward(Rngs& rngs)
    : norm({}, rngs), up({.out_features = 2 * word_width}, rngs), down({.out_features = word_width}, rngs) {}

Tensor FeedForward::operator()(const Tensor& x) const {
  Scope scope(*this);
  return x + down(gelu(up(norm(x))));
}

WordAttention::WordAttention(const ModelOptions& options, Rngs& rngs)
    : norm({}, rngs), attend({.query_features = word_width, .num_heads = options.heads}, rngs) {}

Tensor WordAttention::operator()(const Tensor& words, const Tensor& lengths) const {
  Scope scope(*this);
  return words + attend(norm(words), {.key_lengths = lengths});
}

CrossBlock::CrossBlock(const ModelOptions& options, Rngs& rngs)
    : norm({}, rngs), attend(cross_attention(options), rngs), talk(options, rngs), feed(rngs) {}

Tensor CrossBlock::operator()(const Tensor& words, const Tensor& lengths, const Tensor& cells) const {
  Scope scope(*this);
  // All questions of a picture are one sequence of queries, so that its keys and values are projected once.
  Tensor queries = flatten(norm(words), 1, 2);
  return feed(talk(words + reshape(attend(queries, cells), words.shape()), lengths));
}

VqaModel::VqaModel(const ModelOptions& options, Rngs& rngs)
    : see(options.picture_positions, rngs),
      embed({.num_embeddings = options.vocabulary, .features = word_width}, rngs),
      word_positions(initializers::normal(0.02), rngs.params()),
      read(options, rngs),
      think(rngs),
      cross(cross_blocks(options, rngs)),
      norm({}, rngs),
      hidden({.out_features = 64}, rngs),
      answer({.out_features = options.answers}, rngs),
      pictures(options.pictures) {
  word_positions.resolve({options.tokens, word_width});
}

Tensor VqaModel::operator()(const Tensor& images, const Tensor& tokens, const Tensor& real) const {
  Scope scope(*this);
  Tensor cells = see(images);
  if (!pictures) cells = zeros_like(cells);
  Tensor lengths = cast(sum(real, -1), DType::int32);
  Tensor words = embed(tokens) + slice_axis(word_positions, 0, 0, tokens.size(2));
  words = think(read(words, lengths));
  for (const CrossBlock& block : cross) words = block(words, lengths, cells);
  return answer(relu(hidden(norm(squeeze(slice_axis(words, 2, 0, 1), 2)))));
}

void make_attention_uniform(VqaModel& model) {
  for (CrossBlock& block : model.cross) block.attend.scale = 0.0;
}

}  // namespace weft::examples::vqa
