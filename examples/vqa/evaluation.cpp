#include <weft/examples/vqa/evaluation.hpp>

#include <algorithm>

#include <weft/examples/common/default_device.hpp>
#include <weft/examples/vqa/pointing.hpp>

namespace weft::examples::vqa {
namespace {

constexpr int64_t pictures_at_once = 50;

/// Rows as long as the pictures' questions where these are equally many; else short ones, which leave little empty.
int64_t row_length(const Split& split) {
  for (int64_t i = 1; i < split.pictures; ++i)
    if (split.questions_of(i).size() != split.questions_of(0).size()) return 4;
  return 0;
}

std::vector<Tensor> cross_weights(State& sown) {
  std::vector<Tensor> maps;
  for (auto [path, value, kind] : sown)
    if (path.rfind("cross.", 0) == 0) maps.push_back(value);
  return maps;
}

}  // namespace

Tensor token_attention(const Tensor& weights, int64_t tokens, int64_t cells, int64_t token) {
  int64_t rows = weights.size(0), heads = weights.size(1), questions = weights.size(2) / tokens;
  Tensor by_token = reshape(weights, {rows, heads, questions, tokens, weights.size(3)});
  return mean(slice_axis(squeeze(slice_axis(by_token, 3, token, token + 1), 3), -1, 0, cells), {1});
}

std::vector<Tensor> attention_maps(VqaModel& model, const Batch& host_batch) {
  const Batch batch = on_default_device(host_batch);
  eval(model);
  auto [logits, sown] = capture([&] { return model(batch.pictures, batch.row, batch.tokens, batch.real); });
  train(model);
  return cross_weights(sown);
}

Evaluation evaluate(VqaModel& model, const DataSet& data, const Split& split, const EvaluationOptions& options) {
  NoGrad guard;
  eval(model);
  const auto answers = static_cast<int64_t>(data.answers.size());
  const Grid grid{model.see.rows, model.see.columns};
  Evaluation result;
  result.accuracy = result.pointing = AccuracyByKind(data.kinds);
  result.confusion.assign(static_cast<size_t>(answers * answers), 0);
  PictureSet pictures(split, {.tokens = longest_question(data), .questions_per_row = row_length(split)});
  DataLoader loader(pictures, {.batch_size = pictures_at_once, .workers = 1});
  for (const Batch& host_batch : loader) {
    const Batch batch = on_default_device(host_batch);
    const Tensor images = options.other_pictures ? roll(batch.pictures, 1, 0) : batch.pictures;
    Tensor logits;
    if (options.pointing || options.deletion == Deletion::attended) {
      auto [captured, sown] = capture([&] { return model(images, batch.row, batch.tokens, batch.real); });
      logits = captured;
      std::vector<Tensor> maps = cross_weights(sown);
      if (options.pointing) count_pointing(maps, batch, data, split, grid, result);
      if (options.deletion == Deletion::attended)
        logits = model(images, batch.row, batch.tokens, batch.real,
                       visible_cells(maps, batch, grid, Deletion::attended).to(default_device()));
    } else {
      Tensor visible;
      if (options.deletion == Deletion::random)
        visible = visible_cells({}, batch, grid, Deletion::random).to(default_device());
      logits = model(images, batch.row, batch.tokens, batch.real, visible);
    }
    std::vector<int64_t> best = argmax(logits, -1).to_vector<int64_t>();
    const auto most = static_cast<size_t>(batch.tokens.size(1));
    for (size_t row = 0; row < batch.questions.size(); ++row)
      for (size_t q = 0; q < batch.questions[row].size(); ++q) {
        const Question& question = *batch.questions[row][q];
        auto predicted = static_cast<int32_t>(best[row * most + q]);
        result.predictions.push_back(predicted);
        result.accuracy.add(question.kind, predicted == question.answer);
        if (question.answer >= 0) ++result.confusion[static_cast<size_t>(question.answer * answers + predicted)];
      }
  }
  train(model);
  return result;
}

}  // namespace weft::examples::vqa
