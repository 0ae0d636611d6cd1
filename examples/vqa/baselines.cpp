#include <weft/examples/vqa/baselines.hpp>

namespace weft::examples::vqa {

FilmBlock::FilmBlock(int64_t width, Rngs& rngs)
    : mix({.out_features = width}, rngs),
      conv({.out_features = width, .kernel_size = {3, 3}, .use_bias = false}, rngs),
      norm({}, rngs),
      modulate({.features = width}, rngs) {}

Tensor FilmBlock::operator()(const Tensor& features, const Tensor& question) const {
  Scope scope(*this);
  Tensor mixed = relu(mix(features));
  return mixed + relu(modulate(norm(conv(mixed)), question));
}

FilmReader::FilmReader(const ModelOptions& options, Rngs& rngs)
    : narrow({.out_features = options.film_width}, rngs),
      widen({.out_features = options.word_width}, rngs),
      rows(grid_of(options).rows),
      columns(grid_of(options).columns) {
  for (int64_t i = 0; i < options.film_blocks; ++i) blocks.emplace_back(options.film_width, rngs);
}

Tensor FilmReader::operator()(const Tensor& cells, const Tensor& questions) const {
  Scope scope(*this);
  const int64_t rows_of_batch = questions.size(0), asked = questions.size(1);
  Tensor seen = narrow(cells);
  const int64_t width = seen.size(-1);
  Tensor x = broadcast_to(expand_dims(seen, 1), {rows_of_batch, asked, rows * columns, width});
  x = reshape(x, {rows_of_batch * asked, rows, columns, width});
  Tensor question = flatten(questions, 0, 1);
  for (const FilmBlock& block : blocks) x = block(x, question);
  return widen(reshape(max(x, {1, 2}), {rows_of_batch, asked, width}));
}

MlpReader::MlpReader(const ModelOptions& options, Rngs& rngs)
    : narrow({.out_features = options.mlp_cell_width}, rngs),
      picture({.out_features = options.mlp_hidden}, rngs),
      question({.out_features = options.mlp_hidden, .use_bias = false}, rngs),
      second({.out_features = options.mlp_hidden}, rngs),
      third({.out_features = options.word_width}, rngs) {}

Tensor MlpReader::operator()(const Tensor& cells, const Tensor& questions) const {
  Scope scope(*this);
  // A dense layer of both side by side, with the picture's half once for all questions.
  Tensor seen = expand_dims(picture(flatten(relu(narrow(cells)), 1, 2)), 1);
  return third(relu(second(relu(seen + question(questions)))));
}

}  // namespace weft::examples::vqa
