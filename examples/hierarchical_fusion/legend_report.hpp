#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <weft/examples/common/image.hpp>
#include <weft/examples/hierarchical_fusion/legend_results.hpp>

namespace weft::examples::hierarchy {

struct NamedLegendModel {
  std::string name;
  LegendModel model;
};

/// report.html: curves, IoU by scale and class, labelled maps beside those of `others`, where pixels look, and what
/// changed legends do.
void write_legend_report(const std::filesystem::path& path, LegendModel& model, std::vector<NamedLegendModel>& others,
                         const std::vector<LegendMap>& maps, const LegendSummary& summary);

/// For each map one picture with image, ground truth, what the others and the model say, and the model's errors.
std::vector<Image> comparison_sheets(LegendModel& model, std::vector<NamedLegendModel>& others,
                                     const std::vector<LegendMap>& maps);

/// PNG files in a folder: `compare-<n>.png`, `looks-<n>.png`, `counter-factual-<n>.png`, and `key.png`.
void write_legend_pictures(const std::filesystem::path& folder, LegendModel& model,
                           std::vector<NamedLegendModel>& others, const std::vector<LegendMap>& maps);

}  // namespace weft::examples::hierarchy
