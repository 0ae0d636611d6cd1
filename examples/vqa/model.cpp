#include <weft/examples/vqa/model.hpp>

namespace weft::examples::vqa {

VqaModel::VqaModel(const ModelOptions& options, Rngs& rngs)
    : see(options, rngs),
      read(options, rngs),
      norm({}, rngs),
      hidden({.out_features = 64}, rngs),
      answer({.out_features = options.answers}, rngs),
      pictures(options.pictures),
      questions(options.questions) {
  if (options.equal_widths) narrow.emplace(LinearOptions{.out_features = options.word_width}, rngs);
  if (options.fusion == Fusion::film) film.emplace(options, rngs);
  if (options.fusion == Fusion::mlp) mlp.emplace(options, rngs);
  if (options.fusion == Fusion::attention)
    for (int64_t i = 0; i < options.cross_layers; ++i) cross.emplace_back(options, rngs);
}

Tensor VqaModel::operator()(const Tensor& images, const Tensor& row, const Tensor& tokens, const Tensor& real,
                            const Tensor& visible) const {
  Scope scope(*this);
  Tensor cells = see(images);
  if (!pictures) cells = zeros_like(cells);
  if (narrow) cells = (*narrow)(cells);
  Tensor lengths = cast(sum(real, -1), DType::int32);
  if (!questions) lengths = ones_like(lengths);
  Tensor words = read(tokens, lengths);
  if (cross.empty()) {
    Tensor question = squeeze(slice_axis(words, 2, 0, 1), 2);
    if (row.size(0) != cells.size(0)) cells = take(cells, row, 0);
    return answer(relu(hidden(norm(film ? (*film)(cells, question) : (*mlp)(cells, question)))));
  }
  // After the last block only the answer token is read.
  for (const CrossBlock& block : cross) words = block(words, lengths, cells, row, &block == &cross.back(), visible);
  return answer(relu(hidden(norm(squeeze(words, 2)))));
}

void make_attention_uniform(VqaModel& model) {
  for (CrossBlock& block : model.cross) block.attend.scale = 0.0;
}

}  // namespace weft::examples::vqa
