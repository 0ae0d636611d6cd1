#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "check.hpp"

namespace weft::conformance {

/// Runs a case that is one call.
using Runner = void (*)(Check& check);
using RunnerTable = std::map<std::string, Runner>;

/// By the case's op.
const RunnerTable& runners();

void add_nnx_attention(RunnerTable& table);
void add_attention_functions(RunnerTable& table);
void add_torch_attention(RunnerTable& table);
void add_linear_layers(RunnerTable& table);
void add_convolution_layers(RunnerTable& table);
void add_norm_layers(RunnerTable& table);
void add_recurrent_layers(RunnerTable& table);
void add_losses(RunnerTable& table);
void add_optimizers(RunnerTable& table);
void add_schedules(RunnerTable& table);
void add_second_order(RunnerTable& table);
void add_training(RunnerTable& table);

/// Runs `f`. Unsupported skips the call; another exception fails it. Then, what was asked for and not looked at skips
/// it too: `leftovers` gives its names.
void guard(Check& check, const std::function<void()>& run, const std::function<std::vector<std::string>()>& leftovers);

/// The calls whose names contain `filter`.
std::vector<Outcome> run_case(const Case& golden, const std::string& filter);

/// Every *.safetensors below a folder, in order of their paths, and mha_float64.json. A file that cannot be read counts
/// as one failed call. Throws FileError when there is no such folder, ValueError when it has no cases.
std::vector<Outcome> run_folder(const std::string& folder, const std::string& filter);

/// The float64 cases of nnx.MultiHeadAttention in one JSON file.
std::vector<Outcome> run_attention_float64(const std::string& path, const std::string& filter);

}  // namespace weft::conformance
