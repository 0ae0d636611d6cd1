#include <weft/examples/common/run_options.hpp>

#include <CLI/CLI.hpp>

#include <weft/core/device.hpp>
#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>
#include <weft/examples/common/run_folder.hpp>

namespace weft::examples {

void RunOptions::apply() const {
  if (threads > 0) set_num_threads(threads);
  set_default_device(Device(device));
}

FitOptions RunOptions::fit(int64_t preset_epochs) const {
  FitOptions options;
  options.epochs = epochs > 0 ? epochs : preset_epochs;
  options.folder = out.empty() ? "" : RunFolder(out).checkpoints().string();
  options.resume = resume;
  options.checkpoint_every = checkpoint_every;
  options.stop_at_step = stop_at_step;
  options.progress = !quiet;
  return options;
}

int RunOptions::judge(double value) const {
  if (!expect || value >= *expect) return 0;
  std::printf("expected at least %.4g, got %.4g\n", *expect, value);
  return 1;
}

void add_run_options(CLI::App& command, RunOptions& options, const std::string& default_out) {
  CLI::App& program = command.get_parent() ? *command.get_parent() : command;
  program.failure_message([](const CLI::App*, const CLI::Error& error) {  // one line
    return std::string(error.what()) + " (--help lists what there is)\n";
  });
  command.add_option("--out", options.out, "folder of the run (" + default_out + " when not given)");
  command.add_option("--seed", options.seed, "of parameters, data order and augmentation")->capture_default_str();
  command.add_option("--threads", options.threads, "0: as many as there are cores")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command.add_option("--device", options.device, "where to run")
      ->check([](const std::string& name) {
        try {
          Device device(name);
          return std::string();
        } catch (const Error& error) { return std::string(error.what()); }
      })
      ->capture_default_str();
  command.final_callback([&options, default_out] {
    if (options.out.empty()) options.out = default_out;
  });
}

void add_preset_options(CLI::App& command, RunOptions& options, const std::vector<std::string>& presets) {
  options.preset = presets.front();
  command.add_option("--preset", options.preset, "how long to train")
      ->check(CLI::IsMember(presets))
      ->capture_default_str();
  command.add_option("--epochs", options.epochs, "instead of the preset's")->check(CLI::PositiveNumber);
  command.add_flag("--quiet", options.quiet, "no progress");
}

void add_training_options(CLI::App& command, RunOptions& options) {
  command.add_flag("--resume", options.resume, "go on from the newest checkpoint of the run");
  command.add_option("--stop-at-step", options.stop_at_step, "save and stop there, as Ctrl-C does")
      ->check(CLI::PositiveNumber);
  command.add_option("--checkpoint-every", options.checkpoint_every, "steps between further checkpoints")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--graph", options.graph, "draw the training step's plan into this .svg or .dot file");
  command.add_flag("--describe", options.describe, "print the training step's plans at the end");
  command.add_option("--expect", options.expect, "exit with 1 when the run's main number is below this");
}

}  // namespace weft::examples
