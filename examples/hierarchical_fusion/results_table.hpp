#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace weft::examples::hierarchy {

/// A table in Markdown from the metrics.json of finished runs: one row for each run, and for each kind of model with
/// several seeds their mean and spread (standard deviation with n - 1). Legend runs and digits runs get a table each.
/// Throws FileError or FormatError naming the file.
std::string results_table(const std::vector<std::filesystem::path>& runs);

}  // namespace weft::examples::hierarchy
