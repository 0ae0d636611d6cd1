#include <weft/training/checkpoint.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <tuple>

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>
#include <weft/core/safetensors.hpp>

namespace weft {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;
constexpr const char* description = "checkpoint.json";
constexpr const char* temporary_mark = ".writing-";

/// FNV-1a, 64 bits: tells a damaged file, not a forged one.
std::string checksum(const std::string& path) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (unsigned char byte : read_file(path)) hash = (hash ^ byte) * 0x100000001b3u;
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

std::map<std::string, Tensor> tensors_of(const State& state) {
  std::map<std::string, Tensor> tensors;
  for (auto [path, value, kind] : state) tensors[path] = value;
  return tensors;
}

State state_of(const std::map<std::string, Tensor>& tensors) {
  State state;
  for (const auto& [path, value] : tensors) state.set(path, value);
  return state;
}

Json to_json(const DataLoaderState& loader) {
  return {{"epoch", loader.epoch},           {"batch", loader.batch}, {"samples", loader.samples},
          {"batch_size", loader.batch_size}, {"seed", loader.seed},   {"shuffle", loader.shuffle},
          {"drop_last", loader.drop_last}};
}

DataLoaderState loader_from(const Json& json) {
  DataLoaderState loader;
  json.at("epoch").get_to(loader.epoch);
  json.at("batch").get_to(loader.batch);
  json.at("samples").get_to(loader.samples);
  json.at("batch_size").get_to(loader.batch_size);
  json.at("seed").get_to(loader.seed);
  json.at("shuffle").get_to(loader.shuffle);
  json.at("drop_last").get_to(loader.drop_last);
  return loader;
}

struct RemoveOnExit {
  fs::path path;
  ~RemoveOnExit() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  throw FileError("checkpoint: cannot " + what + " '" + path + "': " + std::strerror(errno));
}

/// Puts `fresh` in the place of `target` without a moment in which there is neither.
void take_place(const std::string& fresh, const std::string& target) {
  if (!fs::exists(target)) {
    if (std::rename(fresh.c_str(), target.c_str()) != 0) fail("rename to", target);
    return;
  }
  // The old checkpoint ends up under the temporary name, and is removed with it.
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) return;
  std::string old = target + ".old";
  fs::remove_all(old);
  if (std::rename(target.c_str(), old.c_str()) != 0) fail("rename", target);
  if (std::rename(fresh.c_str(), target.c_str()) != 0) fail("rename to", target);
  fs::remove_all(old);
}

State read_state(const fs::path& folder, const Json& files, const char* name) {
  std::string path = (folder / name).string();
  if (!files.contains(name)) throw FormatError(folder.string() + ": the checkpoint holds no " + name);
  if (checksum(path) != files.at(name).get<std::string>())
    throw FormatError(path + ": damaged, its content is not what was saved");
  return state_of(read_safetensors(path).tensors);
}

std::pair<CheckpointInfo, Json> read_description(const std::string& folder) {
  fs::path path = fs::path(folder) / description;
  if (!fs::exists(folder)) throw FileError("checkpoint: there is no folder '" + folder + "'");
  if (!fs::exists(path))
    throw FileError("checkpoint: '" + folder + "' has no " + description + "; it was never finished");
  std::string text = read_file(path.string());
  try {
    Json json = Json::parse(text);
    if (json.at("format") != "weft-checkpoint") throw FormatError(path.string() + ": not a Weft checkpoint");
    if (json.at("version") != 1)
      throw FormatError(path.string() + ": written in version " + json.at("version").dump() + ", expected 1");
    CheckpointInfo info;
    json.at("step").get_to(info.step);
    json.at("metadata").get_to(info.metadata);
    if (json.contains("loader")) info.loader = loader_from(json.at("loader"));
    return {std::move(info), json.at("files")};
  } catch (const Json::exception& error) { throw FormatError(path.string() + ": " + error.what()); }
}

bool step_of(const fs::path& folder, int64_t& step) {
  std::string name = folder.filename().string();
  if (name.rfind("step-", 0) != 0 || name.size() < 6 || name.size() > 23) return false;
  if (!std::all_of(name.begin() + 5, name.end(), [](char c) { return c >= '0' && c <= '9'; })) return false;
  step = std::stoll(name.substr(5));
  return true;
}

}  // namespace

void save_checkpoint(const std::string& folder, const CheckpointParts& parts) {
  fs::path target = fs::absolute(folder).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  fs::path fresh = target;
  fresh += temporary_mark + std::to_string(::getpid());
  try {
    fs::create_directories(target.parent_path());
    fs::remove_all(fresh);
    fs::create_directory(fresh);
  } catch (const fs::filesystem_error& error) {
    throw FileError("checkpoint: cannot create '" + fresh.string() + "': " + error.code().message());
  }
  RemoveOnExit cleanup{fresh};
  Json files = Json::object();
  auto write = [&](const char* name, const State& state) {
    std::string path = (fresh / name).string();
    write_safetensors(path, tensors_of(state));
    files[name] = checksum(path);
  };
  if (parts.model) write("model.safetensors", state_view(parts.model.ref(), everything));
  if (parts.optimizer) write("optimizer.safetensors", parts.optimizer->state());
  if (parts.rngs) write("rngs.safetensors", state_view(parts.rngs.ref(), everything));
  if (parts.average) write("average.safetensors", parts.average->average());
  Json json = {{"format", "weft-checkpoint"},
               {"version", 1},
               {"step", parts.optimizer ? parts.optimizer->step() : 0},
               {"files", files},
               {"metadata", parts.metadata}};
  if (parts.loader) json["loader"] = to_json(*parts.loader);
  write_file((fresh / description).string(), json.dump(2) + "\n");
  sync_folder(fresh.string());
  take_place(fresh.string(), target.string());
  sync_folder(target.parent_path().string());
}

CheckpointInfo load_checkpoint(const std::string& folder, const CheckpointParts& parts) {
  auto [info, files] = read_description(folder);
  State model, optimizer, rngs, average;
  if (parts.model) model = read_state(folder, files, "model.safetensors");
  if (parts.optimizer) optimizer = read_state(folder, files, "optimizer.safetensors");
  if (parts.rngs) rngs = read_state(folder, files, "rngs.safetensors");
  if (parts.average) average = read_state(folder, files, "average.safetensors");
  // All or nothing: what was changed before an error is put back.
  State model_before, rngs_before, average_before;
  if (parts.model) model_before = state(parts.model.ref(), everything);
  if (parts.rngs) rngs_before = state(parts.rngs.ref(), everything);
  if (parts.average) average_before = parts.average->average();
  try {
    if (parts.model) update(parts.model.ref(), model, {});
    if (parts.rngs) update(parts.rngs.ref(), rngs, {});
    if (parts.average) parts.average->load(average);
    if (parts.optimizer) parts.optimizer->load(optimizer);
  } catch (const StateError& error) {
    if (parts.model) update(parts.model.ref(), model_before, {});
    if (parts.rngs) update(parts.rngs.ref(), rngs_before, {});
    if (parts.average) parts.average->load(average_before);
    throw StateError("checkpoint '" + folder + "': " + error.what());
  }
  return info;
}

std::vector<std::string> list_checkpoints(const std::string& folder) {
  std::vector<std::pair<int64_t, std::string>> found;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none)) {
    int64_t step;
    if (entry.is_directory() && step_of(entry.path(), step) && fs::exists(entry.path() / description))
      found.emplace_back(step, entry.path().string());
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> paths;
  for (auto& [step, path] : found) paths.push_back(std::move(path));
  return paths;
}

std::string latest_checkpoint(const std::string& folder) {
  std::vector<std::string> all = list_checkpoints(folder);
  return all.empty() ? "" : all.back();
}

void prune_checkpoints(const std::string& folder, int64_t keep) {
  std::vector<std::string> all = list_checkpoints(folder);
  std::error_code none;
  for (size_t i = 0; i + static_cast<size_t>(std::max<int64_t>(keep, 1)) < all.size(); ++i)
    fs::remove_all(all[i], none);
  std::vector<fs::path> leftovers;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none))
    if (entry.path().filename().string().find(temporary_mark) != std::string::npos) leftovers.push_back(entry.path());
  for (const fs::path& path : leftovers) fs::remove_all(path, none);
}

std::string checkpoint_path(const std::string& folder, int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
  return (fs::path(folder) / name).string();
}

}  // namespace weft
