// Times a file of workloads on a device and prints a JSON line for each; peer_torch_gpu.py does the same with PyTorch.
//
//   bench_gpu [--device D] [--eager] [--seconds S] [--shrink N] [--save FOLDER] [--steps N] WORKLOADS.json [PART...]
//
//   --shrink N     divides the extents, to try the program without waiting
//   --save FOLDER  writes the inputs and parameters there and times nothing
//   --steps N      runs N calls of each and fails when memory grows over the last nine tenths of them

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <weft/bench/peers/weft_case.hpp>
#include <weft/core/backend.hpp>

namespace {

using namespace weft;
using namespace weft::bench;
using Clock = std::chrono::steady_clock;

struct Options {
  CaseOptions how;
  std::string device = "cuda", save;
  double seconds = 0.5;
  int64_t shrink = 1, steps = 0;
};

void wait() { default_device().backend().synchronize(default_device().index()); }

/// Seconds of `count` calls one behind the other.
double time_calls(const Case& c, int64_t count) {
  wait();
  const auto begin = Clock::now();
  for (int64_t i = 0; i < count; ++i) c.run();
  wait();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Json measure(const Case& c, double seconds) {
  for (int i = 0; i < 3; ++i) time_calls(c, 1);  // plans are made, libraries choose their algorithms
  // Calls are timed in rounds of some milliseconds, so that starting them is hidden as it is in a training.
  const double once = time_calls(c, 1);
  const auto round = static_cast<int64_t>(std::clamp(0.02 / std::max(once, 1e-6), 1.0, 1000.0));
  std::vector<double> times;
  for (double spent = 0; spent < seconds || times.size() < 3;) {
    const double took = time_calls(c, round);
    spent += took;
    times.push_back(took / static_cast<double>(round));
  }
  std::sort(times.begin(), times.end());
  return {{"median_ms", 1e3 * times[times.size() / 2]},
          {"min_ms", 1e3 * times.front()},
          {"calls", round * std::ssize(times)}};
}

/// Fails when the memory in use, or what the device keeps, grows after the first tenth.
Json watch_memory(const Case& c, int64_t steps) {
  const Device device = default_device();
  time_calls(c, steps / 10 + 1);
  const MemoryStats before = memory_stats(device);
  const double seconds = time_calls(c, steps - steps / 10 - 1);
  const MemoryStats after = memory_stats(device);
  if (after.active > before.active || after.active + after.cached > before.active + before.cached)
    throw StateError("memory grew from " + std::to_string(before.active) + " bytes in use and " +
                     std::to_string(before.cached) + " kept to " + std::to_string(after.active) + " and " +
                     std::to_string(after.cached));
  return {{"steps", steps}, {"seconds", seconds}, {"bytes_in_use", after.active}, {"bytes_kept", after.cached}};
}

Json shrunk(Json spec, int64_t by) {
  for (const char* extent : {"B", "M", "N", "K", "Lq", "Lkv", "rows", "classes"})
    if (spec.contains(extent)) spec[extent] = std::max<int64_t>(1, spec[extent].get<int64_t>() / by);
  return spec;
}

std::string file_of(const Options& options, const std::string& name) {
  std::string file = name + ".safetensors";
  std::replace(file.begin(), file.end(), ' ', '_');
  return (std::filesystem::path(options.save) / file).string();
}

Json run(const Json& spec, const Options& options) {
  Arrays arrays;
  if (spec.contains("dtype")) arrays.set_floats(dtype_from_name(spec.at("dtype").get<std::string>()));
  const Case made = make_case(spec, arrays, options.how);
  if (!options.save.empty()) {
    const std::string file = file_of(options, spec.at("name"));
    arrays.save(file);
    return {{"file", file}};
  }
  return options.steps > 0 ? watch_memory(made, options.steps) : measure(made, options.seconds);
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--eager") options.how.eager = true;
    else if (word.rfind("--", 0) == 0 && i + 1 == argc) throw ValueError("bench_gpu: expected a value after " + word);
    else if (word == "--device") options.device = argv[++i];
    else if (word == "--save") options.save = argv[++i];
    else if (word == "--seconds") options.seconds = std::stod(argv[++i]);
    else if (word == "--shrink") options.shrink = std::stoll(argv[++i]);
    else if (word == "--steps") options.steps = std::stoll(argv[++i]);
    else if (word.rfind("--", 0) == 0) throw ValueError("bench_gpu: unknown option " + word);
    else words.push_back(word);
  }
  if (words.empty()) throw ValueError("bench_gpu: expected a file of workloads");
  std::ifstream stream(words.front());
  if (!stream) throw FileError(words.front() + ": cannot be read");
  if (!options.save.empty()) std::filesystem::create_directories(options.save);
  set_default_device(Device(options.device));
  bool failed = false;
  for (const Json& given : Json::parse(stream)) {
    const Json spec = shrunk(given, options.shrink);
    const std::string name = spec.at("name");
    auto wanted = [&](const std::string& part) { return name.find(part) != std::string::npos; };
    if (words.size() > 1 && std::none_of(words.begin() + 1, words.end(), wanted)) continue;
    Json line;
    try {
      line = run(spec, options);
    } catch (const std::exception& error) {  // the others go on
      line = {{"error", error.what()}};
      failed = true;
    }
    line["name"] = name;
    line["peer"] = options.how.eager ? "weft eager" : "weft";
    std::cout << line << std::endl;
  }
  return failed;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
