#include <weft/examples/vqa/pointing.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <weft/examples/vqa/object_mask.hpp>

namespace weft::examples::vqa {
namespace {

constexpr int64_t deleted_cells = 5;

/// Weights of one layer on the host: mean of the heads.
struct Looks {
  std::vector<float> weights;  // [R, Q, T, cells]
  int64_t questions, tokens, cells;

  Looks(const Tensor& sown, int64_t tokens_each, const Grid& grid)
      : weights(mean(slice_axis(sown, -1, 0, grid.cells()), {1}).to_vector<float>()),
        questions(sown.size(2) / tokens_each),
        tokens(tokens_each),
        cells(grid.cells()) {}

  const float* of(size_t row, size_t question, int64_t token) const {
    return weights.data() +
           ((static_cast<int64_t>(row) * questions + static_cast<int64_t>(question)) * tokens + token) * cells;
  }
  int64_t most_attended(size_t row, size_t question, int64_t token) const {
    const float* first = of(row, question, token);
    return std::max_element(first, first + cells) - first;
  }
};

bool is_near(int64_t cell, const PictureObject& object, const Split& split, const Grid& grid) {
  auto middle = [](int64_t place, int64_t places, int64_t pixels) {
    return (static_cast<float>(place) + 0.5f) * static_cast<float>(pixels) / static_cast<float>(places) - 0.5f;
  };
  float dx = middle(cell % grid.columns, grid.columns, split.width) - object.x;
  float dy = middle(cell / grid.columns, grid.rows, split.height) - object.y;
  return dx * dx + dy * dy <= pointing_distance * pointing_distance;
}

}  // namespace

void count_pointing(const std::vector<Tensor>& maps, const Batch& batch, const DataSet& data, const Split& split,
                    const Grid& grid, Evaluation& result) {
  if (maps.empty()) return;
  const int64_t tokens = batch.tokens.size(2);
  std::vector<Looks> layers;
  for (const Tensor& map : maps) layers.emplace_back(map, tokens, grid);
  const Looks& last = layers.back();
  result.naming.resize(layers.size());
  result.pointing_by_layer.resize(layers.size());
  for (size_t row = 0; row < batch.questions.size(); ++row) {
    std::vector<uint8_t> on_shape;
    for (size_t q = 0; q < batch.questions[row].size(); ++q) {
      const Question& question = *batch.questions[row][q];
      std::span<const PictureObject> objects = split.objects_of(question.picture);
      if (!objects.empty()) {
        auto looks_at = [&](const Looks& layer, int64_t token, int16_t object) {
          return is_near(layer.most_attended(row, q, token), objects[static_cast<size_t>(object)], split, grid);
        };
        if (question.target >= 0) result.pointing.add(question.kind, looks_at(last, 0, question.target));
        for (size_t i = 0; i < layers.size(); ++i) {
          if (question.target >= 0) result.pointing_by_layer[i].add(looks_at(layers[i], 0, question.target));
          for (const Mention& mention : question.mentions)
            if (mention.token >= 0) result.naming[i].add(looks_at(layers[i], mention.token, mention.object));
        }
      } else if (data.recipe == Recipe::easy_vqa && data.kinds[static_cast<size_t>(question.kind)].name != "yes/no") {
        if (on_shape.empty()) {
          std::vector<uint8_t> mask = object_mask(split.pixels_of(question.picture), split.height, split.width);
          on_shape = cells_on_mask(mask, split.height, split.width, grid.rows, grid.columns);
        }
        result.pointing.add(question.kind, on_shape[static_cast<size_t>(last.most_attended(row, q, 0))] != 0);
      }
    }
  }
}

Tensor visible_cells(const std::vector<Tensor>& maps, const Batch& batch, const Grid& grid, Deletion deletion) {
  const int64_t rows = batch.tokens.size(0), questions = batch.tokens.size(1), tokens = batch.tokens.size(2);
  const int64_t cells = grid.cells(), deleted = std::min(deleted_cells, cells);
  Tensor visible = Tensor::empty({rows, 1, questions * tokens, cells}, DType::boolean, Device());
  bool* out = visible.mutable_data<bool>();
  std::fill(out, out + visible.elements(), true);
  std::vector<Looks> layers;
  for (const Tensor& map : maps) layers.emplace_back(map, tokens, grid);
  std::vector<int64_t> order(static_cast<size_t>(cells));
  for (size_t row = 0; row < batch.questions.size(); ++row)
    for (size_t q = 0; q < batch.questions[row].size(); ++q) {
      const Question& question = *batch.questions[row][q];
      std::iota(order.begin(), order.end(), 0);
      if (deletion == Deletion::random) {
        RandomSequence random(RandomKey{fold_in(static_cast<uint64_t>(question.picture), row * 1000 + q)});
        for (int64_t i = 0; i < deleted; ++i)
          std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(i + random.below(cells - i))]);
      } else {
        std::vector<float> mass(static_cast<size_t>(cells), 0);
        for (const Looks& layer : layers)
          for (int64_t token = 0; token < std::ssize(question.tokens); ++token)
            for (int64_t c = 0; c < cells; ++c) mass[static_cast<size_t>(c)] += layer.of(row, q, token)[c];
        std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
          return mass[static_cast<size_t>(a)] > mass[static_cast<size_t>(b)];
        });
      }
      bool* rows_of_question = out + (static_cast<int64_t>(row) * questions + static_cast<int64_t>(q)) * tokens * cells;
      for (int64_t token = 0; token < tokens; ++token)
        for (int64_t i = 0; i < deleted; ++i) rows_of_question[token * cells + order[static_cast<size_t>(i)]] = false;
    }
  return visible;
}

}  // namespace weft::examples::vqa
