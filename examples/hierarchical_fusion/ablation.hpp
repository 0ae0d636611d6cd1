#pragma once

#include <string>

#include <weft/examples/hierarchical_fusion/digits_training.hpp>
#include <weft/examples/hierarchical_fusion/legend_training.hpp>

namespace weft::examples::hierarchy {

/// Trains every fusion at equal parameters, attention with one layer and uniform attention, and changes the legend of
/// the test maps. Writes ablation.md, .html and .json, and report.html with all fusions beside each other, into
/// run.out. Returns the table in Markdown.
std::string ablate_legend(const LegendTrainingOptions& options, const RunOptions& run);

/// Trains every kind of branches, three seeds each, from run.seed on, and writes the same files (no report.html).
/// Differences are paired over the test digits. Returns the table in Markdown and a line on what they mean.
std::string ablate_digits(const DigitSet& data, const DigitTrainingOptions& options, const RunOptions& run);

}  // namespace weft::examples::hierarchy
