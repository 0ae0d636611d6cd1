// Runs golden cases that other frameworks computed (tests/conformance/README.md).

#include <iostream>

#include <CLI/CLI.hpp>

#include <weft/core/device.hpp>

#include "report.hpp"
#include "run.hpp"

int main(int argc, char** argv) {
  using namespace weft::conformance;
  CLI::App app{"Compares Weft with golden cases of Flax, optax, JAX and PyTorch"};
  std::string folder, device = "cpu", filter, skips;
  bool verbose = false;
  app.add_option("folder", folder, "Folder with *.safetensors cases and mha_float64.json, searched recursively")
      ->required();
  app.add_option("--device", device, "cpu or reference");
  app.add_option("--filter", filter, "Run only calls whose names contain this");
  app.add_option("--skips", skips, "File with the names that may be skipped; others then fail the run");
  app.add_flag("--verbose", verbose, "List what passed, too");
  CLI11_PARSE(app, argc, argv);

  try {
    const std::set<std::string> allowed = skips.empty() ? std::set<std::string>{} : read_skips(skips);
    weft::DeviceScope scope{weft::Device(device)};
    const std::vector<Outcome> outcomes = run_folder(folder, filter);
    const std::vector<std::string> unexpected =
        skips.empty() ? std::vector<std::string>{} : unexpected_skips(outcomes, allowed);
    for (const std::string& name : unexpected) std::cout << "not among the expected skips: " << name << "\n";
    write_report(std::cout, outcomes, verbose);
    return count(outcomes, Verdict::failed) > 0 || !unexpected.empty() ? 1 : 0;
  } catch (const std::exception& error) {
    std::cerr << "conformance: " << error.what() << "\n";
    return 2;
  }
}
