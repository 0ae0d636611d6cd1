#include <weft/examples/hierarchical_fusion/legend_evaluation.hpp>

#include <algorithm>

#include <weft/core/error.hpp>

namespace weft::examples::hierarchy {
namespace {

constexpr size_t pictures_per_batch = 25, area = picture_extent * picture_extent;

std::vector<int32_t> glyphs_of(const LegendMap& map) {
  std::vector<int32_t> glyphs;
  for (const LegendEntry& entry : map.legend) glyphs.push_back(entry.glyph);
  return glyphs;
}

/// Calls f(first map, its batch on the default device) for all maps.
template <class F> void for_each_batch(const std::vector<LegendMap>& maps, F&& f) {
  for (size_t first = 0; first < maps.size(); first += pictures_per_batch) {
    size_t last = std::min(first + pictures_per_batch, maps.size());
    LegendBatch batch =
        collate({maps.begin() + static_cast<int64_t>(first), maps.begin() + static_cast<int64_t>(last)});
    batch.pictures = batch.pictures.to(default_device());
    f(first, batch);
  }
}

struct Answers {
  std::vector<std::vector<uint8_t>> classes;  ///< each [64, 64]
  std::vector<std::vector<int32_t>> looked;   ///< each [32, 32]; only with `look`
};

Tensor last_weights(LegendModel& model, const Tensor& pictures, MapLogits& logits) {
  auto [result, sown] = capture([&] { return model(pictures); });
  logits = result;
  return mean(sown["look." + std::to_string(model.look.size() - 1) + ".attend.attention_weights"], {1});
}

Answers answers_of(LegendModel& model, const std::vector<LegendMap>& maps, bool other_tokens, bool look) {
  NoGrad guard;
  eval(model);
  Answers answers;
  for_each_batch(maps, [&](size_t, LegendBatch& batch) {
    MapLogits logits;
    std::vector<int64_t> cells;
    if (look) {
      cells = argmax(last_weights(model, batch.pictures, logits), -1).to_vector<int64_t>();
    } else {
      logits = model(batch.pictures, other_tokens ? roll(batch.pictures, 1, 0) : Tensor());
    }
    std::vector<int64_t> best = argmax(logits.pixels, -1).to_vector<int64_t>();
    constexpr size_t queries = low_extent * low_extent;
    for (size_t i = 0; i < batch.maps.size(); ++i) {
      answers.classes.push_back(from_blocks(best.data() + i * area));
      if (look)
        answers.looked.emplace_back(cells.begin() + static_cast<int64_t>(i * queries),
                                    cells.begin() + static_cast<int64_t>((i + 1) * queries));
    }
  });
  train(model);
  return answers;
}

}  // namespace

std::vector<int32_t> glyphs_of_another(const std::vector<LegendMap>& maps, size_t index) {
  std::vector<int32_t> own = glyphs_of(maps[index]);
  for (size_t step = 1; step < maps.size(); ++step) {
    std::vector<int32_t> glyphs = glyphs_of(maps[(index + step) % maps.size()]);
    if (glyphs.size() == own.size() && glyphs != own) return glyphs;
  }
  return own;
}

std::vector<LegendMap> changed_maps(const std::vector<LegendMap>& maps, LegendChange change) {
  std::vector<LegendMap> changed;
  for (size_t i = 0; i < maps.size(); ++i) {
    if (change == LegendChange::erased) {
      changed.push_back(without_legend(maps[i]));
    } else if (change == LegendChange::one_erased) {
      changed.push_back(without_entry(maps[i], most_shown_entry(maps[i])));
    } else if (change == LegendChange::other_glyphs) {
      changed.push_back(with_glyphs(maps[i], glyphs_of_another(maps, i)));
    } else {
      changed.push_back(maps[i]);
    }
  }
  return changed;
}

LegendEvaluation evaluate(LegendModel& model, const std::vector<LegendMap>& maps,
                          const LegendEvaluationOptions& options) {
  if (options.pointing && model.fusion != Fusion::attention)
    throw ValueError(std::string("evaluate: pointing: expected a model with attention, got ") + name_of(model.fusion));
  std::vector<LegendMap> shown = changed_maps(maps, options.change);
  Answers answers = answers_of(model, shown, options.change == LegendChange::other_tokens, options.pointing);
  LegendEvaluation result;
  for (size_t i = 0; i < shown.size(); ++i) {
    result.scores.add(shown[i], answers.classes[i]);
    result.entry.add(shown[i], most_shown_entry(shown[i]), answers.classes[i]);
    if (options.pointing) result.pointing.add(shown[i], answers.looked[i]);
    if (options.change == LegendChange::other_glyphs)
      result.counter_factual.add(shown[i].classes(), maps[i].classes(), answers.classes[i]);
  }
  return result;
}

std::vector<std::vector<uint8_t>> predict(LegendModel& model, const std::vector<LegendMap>& maps) {
  return answers_of(model, maps, false, false).classes;
}

Tensor attention_of(LegendModel& model, const std::vector<LegendMap>& maps) {
  NoGrad guard;
  eval(model);
  std::vector<Tensor> weights;
  for_each_batch(maps, [&](size_t, LegendBatch& batch) {
    MapLogits logits;
    weights.push_back(last_weights(model, batch.pictures, logits).to(Device()));
  });
  train(model);
  return concatenate(weights, 0);
}

}  // namespace weft::examples::hierarchy
