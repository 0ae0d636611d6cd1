#include "report.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include <fmt/format.h>

#include <weft/core/file.hpp>

namespace weft::conformance {

namespace {

struct Row {
  std::set<std::string> cases;
  int calls = 0, passed = 0, failed = 0, skipped = 0;
  double ratio = 0;

  void add(const Outcome& outcome) {
    cases.insert(outcome.name.substr(0, outcome.name.find(':')));
    ++calls;
    passed += outcome.verdict == Verdict::passed;
    failed += outcome.verdict == Verdict::failed;
    skipped += outcome.verdict == Verdict::skipped;
    ratio = std::max(ratio, outcome.ratio);
  }
  std::string line(const std::string& name) const {
    return fmt::format("{:<14}{:>7}{:>7}{:>8}{:>8}{:>9}{:>17.3g}\n", name, cases.size(), calls, passed, failed, skipped,
                       ratio);
  }
};

}  // namespace

std::set<std::string> read_skips(const std::string& path) {
  std::istringstream text(read_file(path));
  std::set<std::string> names;
  for (std::string line; std::getline(text, line);) {
    line = line.substr(0, line.find('#'));
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (!line.empty()) names.insert(line);
  }
  return names;
}

int count(const std::vector<Outcome>& outcomes, Verdict verdict) {
  return static_cast<int>(std::count_if(outcomes.begin(), outcomes.end(),
                                        [&](const Outcome& outcome) { return outcome.verdict == verdict; }));
}

void write_report(std::ostream& stream, const std::vector<Outcome>& outcomes, bool verbose) {
  for (const Outcome& outcome : outcomes) {
    if (outcome.verdict == Verdict::failed)
      stream << fmt::format("FAILED  {}: {} ({:.3g} of the tolerance)\n", outcome.name, outcome.reason, outcome.ratio);
    else if (outcome.verdict == Verdict::passed && verbose)
      stream << fmt::format("passed  {} ({:.3g} of the tolerance)\n", outcome.name, outcome.ratio);
  }
  for (const Outcome& outcome : outcomes)
    if (outcome.verdict == Verdict::skipped) stream << fmt::format("skipped {}: {}\n", outcome.name, outcome.reason);

  std::map<std::string, Row> rows;
  Row all;
  for (const Outcome& outcome : outcomes) {
    rows[outcome.family].add(outcome);
    all.add(outcome);
  }
  stream << fmt::format("\n{:<14}{:>7}{:>7}{:>8}{:>8}{:>9}{:>17}\n", "family", "cases", "calls", "passed", "failed",
                        "skipped", "error/tolerance");
  for (const auto& [name, row] : rows) stream << row.line(name);
  stream << all.line("all");
  stream << fmt::format("\n{} passed, {} failed, {} skipped\n", all.passed, all.failed, all.skipped);
}

std::vector<std::string> unexpected_skips(const std::vector<Outcome>& outcomes, const std::set<std::string>& allowed) {
  std::vector<std::string> names;
  for (const Outcome& outcome : outcomes)
    if (outcome.verdict == Verdict::skipped && allowed.count(outcome.name) == 0) names.push_back(outcome.name);
  return names;
}

}  // namespace weft::conformance
