#pragma once

#include <vector>

#include <weft/examples/hierarchical_fusion/legend_batch.hpp>
#include <weft/examples/hierarchical_fusion/legend_metrics.hpp>
#include <weft/examples/hierarchical_fusion/legend_model.hpp>

namespace weft::examples::hierarchy {

/// What is done to the pictures before the model sees them.
enum class LegendChange : uint8_t {
  none,
  erased,        ///< the strip is empty
  one_erased,    ///< the entry is gone that most of the map shows
  other_glyphs,  ///< glyphs of another picture's legend stand beside the swatches, and say what is right
  other_tokens   ///< the high level sees another picture
};

struct LegendEvaluationOptions {
  LegendChange change = LegendChange::none;
  bool pointing = false;  ///< look at where pixels look; needs a model with attention
};

struct LegendEvaluation {
  MapScores scores;                ///< by what is right for the changed picture
  Pointing pointing;               ///< of the last cross layer, mean of the heads
  EntryScores entry;               ///< pixels of the entry that most of the map shows, and the others
  CounterFactual counter_factual;  ///< with other_glyphs: do answers follow the new legend or the old one?
};

/// Labels maps, in evaluation mode; the model is put back into training mode.
LegendEvaluation evaluate(LegendModel& model, const std::vector<LegendMap>& maps,
                          const LegendEvaluationOptions& options = {});

/// Classes of each picture, each [64, 64].
std::vector<std::vector<uint8_t>> predict(LegendModel& model, const std::vector<LegendMap>& maps);

/// Where each low-level pixel looks in the last cross layer, mean of the heads: [maps, 1024, 64], in host memory.
Tensor attention_of(LegendModel& model, const std::vector<LegendMap>& maps);

/// The glyphs of the next map whose legend is as long and says otherwise; the map's own where there is none.
std::vector<int32_t> glyphs_of_another(const std::vector<LegendMap>& maps, size_t index);

/// The maps as a change makes them.
std::vector<LegendMap> changed_maps(const std::vector<LegendMap>& maps, LegendChange change);

}  // namespace weft::examples::hierarchy
