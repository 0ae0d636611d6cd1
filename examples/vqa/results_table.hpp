#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace weft::examples::vqa {

/// A Markdown table of what several runs left in their metrics.json: one row each, then mean and standard deviation.
/// Throws FileError for a missing file, FormatError naming file and field for one that is no metrics.json of `vqa
/// train`, ValueError for none or for runs on different data.
std::string results_table(const std::vector<std::filesystem::path>& runs);

}  // namespace weft::examples::vqa
