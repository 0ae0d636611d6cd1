#include <weft/examples/vqa/evaluation.hpp>

#include <algorithm>
#include <cmath>

#include <weft/examples/vqa/object_mask.hpp>

namespace weft::examples::vqa {
namespace {

/// Shape-only knowledge of the grid: three halvings, rounded up.
int64_t grid_extent(int64_t pixels) {
  for (int i = 0; i < 3; ++i) pixels = (pixels + 1) / 2;
  return pixels;
}

}  // namespace

std::vector<std::vector<float>> answer_attention(const Tensor& weights, int64_t picture, int64_t questions,
                                                 int64_t tokens, int64_t cells) {
  int64_t heads = weights.size(1), rows = weights.size(2), columns = weights.size(3);
  std::vector<float> values = weights.to_vector<float>();
  std::vector<std::vector<float>> maps(static_cast<size_t>(questions),
                                       std::vector<float>(static_cast<size_t>(cells), 0));
  for (int64_t q = 0; q < questions; ++q)
    for (int64_t h = 0; h < heads; ++h) {
      const float* row = values.data() + ((picture * heads + h) * rows + q * tokens) * columns;
      for (int64_t c = 0; c < cells; ++c)
        maps[static_cast<size_t>(q)][static_cast<size_t>(c)] += row[c] / static_cast<float>(heads);
    }
  return maps;
}

std::vector<Tensor> attention_maps(VqaModel& model, const Batch& batch) {
  eval(model);
  auto [logits, sown] = capture([&] { return model(batch.pictures, batch.tokens, batch.real); });
  train(model);
  std::vector<Tensor> maps;
  for (auto [path, value, kind] : sown)
    if (path.rfind("cross.", 0) == 0) maps.push_back(value);
  return maps;
}

Evaluation evaluate(VqaModel& model, const DataSet& data, const Split& split, const EvaluationOptions& options) {
  NoGrad guard;
  eval(model);
  auto answers = static_cast<int64_t>(data.answers.size());
  int64_t rows = grid_extent(split.height), columns = grid_extent(split.width), cells = rows * columns;
  Evaluation result;
  result.confusion.assign(static_cast<size_t>(answers * answers), 0);
  PictureSet pictures(split, {.tokens = longest_question(data)});
  DataLoader loader(pictures, {.batch_size = 50, .workers = 1});
  for (Batch& batch : loader) {
    Tensor images = options.other_pictures ? roll(batch.pictures, 1, 0) : batch.pictures;
    auto run = [&] { return model(images, batch.tokens, batch.real); };
    Tensor logits, weights;
    if (options.pointing) {
      auto [result_logits, sown] = capture(run);
      logits = result_logits;
      weights = sown["cross." + std::to_string(model.cross.size() - 1) + ".attend.attention_weights"];
    } else {
      logits = run();
    }
    std::vector<int64_t> best = argmax(logits, -1).to_vector<int64_t>();
    int64_t most = batch.tokens.size(1), tokens = batch.tokens.size(2);
    for (size_t b = 0; b < batch.questions.size(); ++b) {
      const std::vector<const Question*>& asked = batch.questions[b];
      std::vector<std::vector<float>> looked;
      std::vector<uint8_t> on_shape;
      if (options.pointing && !asked.empty()) {
        looked = answer_attention(weights, static_cast<int64_t>(b), static_cast<int64_t>(asked.size()), tokens, cells);
        std::vector<uint8_t> mask = object_mask(split.pixels_of(asked[0]->picture), split.height, split.width);
        on_shape = cells_on_mask(mask, split.height, split.width, rows, columns);
      }
      for (size_t q = 0; q < asked.size(); ++q) {
        const Question& question = *asked[q];
        auto predicted = static_cast<int32_t>(best[b * static_cast<size_t>(most) + q]);
        result.predictions.push_back(predicted);
        result.accuracy.add(question.kind, predicted == question.answer);
        ++result.confusion[static_cast<size_t>(question.answer * answers + predicted)];
        if (!options.pointing || question.kind == AnswerKind::yes_no) continue;
        auto at = std::max_element(looked[q].begin(), looked[q].end()) - looked[q].begin();
        result.pointed += on_shape[static_cast<size_t>(at)] != 0;
        ++result.pointing_total;
      }
    }
  }
  train(model);
  return result;
}

}  // namespace weft::examples::vqa
