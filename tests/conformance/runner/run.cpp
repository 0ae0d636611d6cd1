#include "run.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include <weft/core/error.hpp>

#include "calls.hpp"

namespace weft::conformance {

namespace {

bool chosen(const std::string& name, const std::string& filter) { return name.find(filter) != std::string::npos; }

/// Tensors that belong to a call: its inputs, its results, and what is said of their gradients.
void mark_call(const Case& golden, const std::string& name, const Config& call) {
  if (call.get("inputs").is_list())
    for (const Config& input : call.get("inputs").items()) {
      if (!input.is_text()) continue;
      golden.mark_used(input.text());
      golden.mark_used("grad." + input.text());
    }
  for (const std::string prefix : {"out.", "cotangent."}) {
    golden.mark_used(prefix + name);
    for (const std::string& result : golden.names_under(prefix + name + ".")) golden.mark_used(result);
  }
}

std::vector<std::string> unread_options(const Config& config, const std::string& prefix) {
  std::vector<std::string> names;
  for (const std::string& path : config.unread()) names.push_back(prefix + path);
  return names;
}

std::vector<Outcome> run_calls(const Case& golden, const std::string& filter) {
  std::vector<Outcome> outcomes;
  bool all = true;
  for (const auto& [call_name, call] : golden.config["calls"].entries()) {
    const std::string name = call_name;
    const Config& description = call;
    Check check(golden, name);
    if (!chosen(check.outcome().name, filter)) {
      all = false;
      continue;
    }
    guard(
        check, [&] { run_call(check, name, description); }, [&] { return unread_options(description, "option "); });
    mark_call(golden, name, description);
    outcomes.push_back(check.outcome());
  }
  if (!all) return outcomes;
  std::vector<std::string> rest = unread_options(golden.config, "option ");
  rest.erase(std::remove_if(rest.begin(), rest.end(), [](const std::string& s) { return chosen(s, "option calls."); }),
             rest.end());
  for (const std::string& tensor : golden.unused()) rest.push_back("tensor " + tensor);
  if (!rest.empty()) {
    Check check(golden, "rest");
    check.skip("unknown " + rest[0]);
    outcomes.push_back(check.outcome());
  }
  return outcomes;
}

}  // namespace

const RunnerTable& runners() {
  static const RunnerTable table = [] {
    RunnerTable filled;
    add_nnx_attention(filled);
    add_attention_functions(filled);
    add_torch_attention(filled);
    add_linear_layers(filled);
    add_convolution_layers(filled);
    add_norm_layers(filled);
    add_recurrent_layers(filled);
    add_losses(filled);
    add_optimizers(filled);
    add_schedules(filled);
    add_second_order(filled);
    add_training(filled);
    return filled;
  }();
  return table;
}

void guard(Check& check, const std::function<void()>& run, const std::function<std::vector<std::string>()>& leftovers) {
  try {
    run();
  } catch (const Unsupported& error) { return check.skip(error.what()); } catch (const std::exception& error) {
    return check.fail(error.what());
  }
  const std::vector<std::string> unknown = leftovers();
  if (!unknown.empty()) check.skip("unknown " + unknown[0]);
  else if (check.comparisons() == 0) check.fail("nothing was compared");
}

std::vector<Outcome> run_case(const Case& golden, const std::string& filter) {
  static const std::set<std::string> of_calls{"nnx.activations", "elementwise", "comparison", "reduction",
                                              "product",         "layout",      "gather",     "graph"};
  if (of_calls.count(golden.op) > 0 && golden.config.has("calls")) return run_calls(golden, filter);
  Check check(golden);
  if (!chosen(golden.name, filter)) return {};
  guard(
      check,
      [&] {
        auto found = runners().find(golden.op);
        if (found == runners().end()) throw Unsupported("op " + golden.op);
        found->second(check);
      },
      [&] {
        std::vector<std::string> rest = unread_options(golden.config, "option ");
        for (const std::string& tensor : golden.unused()) rest.push_back("tensor " + tensor);
        return rest;
      });
  return {check.outcome()};
}

std::vector<Outcome> run_folder(const std::string& folder, const std::string& filter) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(folder)) throw FileError(folder + ": no such folder");
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".safetensors" || entry.path().filename() == "mha_float64.json")
      files.push_back(entry.path());
  if (files.empty()) throw ValueError(folder + ": expected *.safetensors or mha_float64.json below it, found none");
  std::sort(files.begin(), files.end());
  std::vector<Outcome> outcomes;
  for (const fs::path& file : files) {
    std::vector<Outcome> found;
    try {
      found = file.extension() == ".json" ? run_attention_float64(file.string(), filter)
                                          : run_case(Case::read(file.string()), filter);
    } catch (const std::exception& error) {
      Outcome broken;
      broken.family = fs::absolute(file).parent_path().filename().string();
      broken.name = broken.family + "/" + file.stem().string();
      broken.verdict = Verdict::failed;
      broken.reason = error.what();
      if (chosen(broken.name, filter)) found = {broken};
    }
    outcomes.insert(outcomes.end(), found.begin(), found.end());
  }
  return outcomes;
}

}  // namespace weft::conformance
