#include <weft/examples/vqa/cross_block.hpp>

namespace weft::examples::vqa {
namespace {

MultiHeadAttentionOptions cross_attention(const ModelOptions& options) {
  MultiHeadAttentionOptions attention{.query_features = options.word_width,
                                      .key_features = options.equal_widths ? options.word_width : cell_width(options),
                                      .num_heads = options.heads,
                                      .head_dim = options.attention_width / options.heads,
                                      .null_slot = options.null_slot,
                                      .sow_weights = true};
  if (options.uniform_attention) attention.scale = 0.0;
  return attention;
}

}  // namespace

CrossBlock::CrossBlock(const ModelOptions& options, Rngs& rngs)
    : norm({}, rngs),
      attend(cross_attention(options), rngs),
      talk(options, rngs),
      feed(options.word_width, 2 * options.word_width, rngs) {}

Tensor CrossBlock::operator()(const Tensor& words, const Tensor& lengths, const Tensor& cells, const Tensor& row,
                              bool answer_only, const Tensor& visible) const {
  Scope scope(*this);
  // The questions of a row are one sequence of queries; keys and values of a picture are projected once for all rows.
  Tensor queries = flatten(norm(words), 1, 2);
  ProjectedKeyValue seen = attend.project(cells);
  if (row.size(0) != cells.size(0)) seen = {take(seen.key, row, 0), take(seen.value, row, 0)};
  return feed(talk(words + reshape(attend(queries, seen, {.mask = visible}), words.shape()), lengths, answer_only));
}

}  // namespace weft::examples::vqa
