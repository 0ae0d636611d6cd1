#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace weft::examples::fusion {

/// Markdown of several runs' metrics.json: a column for each kind of fusion, mean and standard deviation over its runs.
/// Throws FileError or FormatError naming the file.
std::string results_table(const std::vector<std::filesystem::path>& runs);

}  // namespace weft::examples::fusion
