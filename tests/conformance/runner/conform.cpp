#include "conform.hpp"

#include <weft/core/device.hpp>
#include <weft/core/error.hpp>

#include "report.hpp"
#include "run.hpp"

namespace weft::conformance {

int conform(const ConformOptions& options, std::ostream& stream) {
  const std::set<std::string> allowed = options.skips.empty() ? std::set<std::string>{} : read_skips(options.skips);
  DeviceScope scope{Device(options.device)};
  const std::vector<Outcome> outcomes = run_folder(options.folder, options.filter);
  if (outcomes.empty()) throw ValueError(options.folder + ": no call's name contains " + options.filter);
  std::vector<std::string> unexpected;
  if (!options.skips.empty()) unexpected = unexpected_skips(outcomes, allowed);
  for (const std::string& name : unexpected) stream << "not among the expected skips: " << name << "\n";
  write_report(stream, outcomes, options.verbose);
  return count(outcomes, Verdict::failed) > 0 || !unexpected.empty() ? 1 : 0;
}

}  // namespace weft::conformance
