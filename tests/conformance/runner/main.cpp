// Runs golden cases that other frameworks computed (tests/conformance/README.md).

#include <iostream>

#include <CLI/CLI.hpp>

#include "conform.hpp"

int main(int argc, char** argv) {
  weft::conformance::ConformOptions options;
  CLI::App app{"Compares Weft with golden cases of Flax, optax, JAX and PyTorch"};
  app.add_option("folder", options.folder, "Folder with *.safetensors cases and mha_float64.json, searched recursively")
      ->required();
  app.add_option("--device", options.device, "cpu or reference");
  app.add_option("--filter", options.filter, "Run only calls whose names contain this");
  app.add_option("--skips", options.skips, "File with the names that may be skipped; others then fail the run");
  app.add_flag("--verbose", options.verbose, "List what passed, too");
  CLI11_PARSE(app, argc, argv);
  try {
    return weft::conformance::conform(options, std::cout);
  } catch (const std::exception& error) {
    std::cerr << "conformance: " << error.what() << "\n";
    return 2;
  }
}
