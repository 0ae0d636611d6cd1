#pragma once

#include <ostream>
#include <string>

namespace weft::conformance {

struct ConformOptions {
  std::string folder;
  std::string device = "cpu";
  std::string filter = {};  ///< only calls whose names contain it
  std::string skips = {};   ///< a file with names that may be skipped; others then fail the run
  bool verbose = false;
};

/// Runs the cases of a folder and writes the report; what the program exits with: 0, or 1 when a call failed or was
/// skipped against `skips`. Throws FileError and DeviceError, and ValueError when there is nothing to run.
int conform(const ConformOptions& options, std::ostream& stream);

}  // namespace weft::conformance
