#pragma once

#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "check.hpp"

namespace weft::conformance {

/// Names of calls that may be skipped: one for each line, `#` starts a comment. Throws FileError.
std::set<std::string> read_skips(const std::string& path);

/// One line for each failed call, those skipped by name, a table of the families, and last `N passed, N failed, N
/// skipped`. `verbose` lists what passed too.
void write_report(std::ostream& stream, const std::vector<Outcome>& outcomes, bool verbose);

/// Names of calls that were skipped and that `allowed` does not have.
std::vector<std::string> unexpected_skips(const std::vector<Outcome>& outcomes, const std::set<std::string>& allowed);

int count(const std::vector<Outcome>& outcomes, Verdict verdict);

}  // namespace weft::conformance
