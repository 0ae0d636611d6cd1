// Weft's side of the comparison. Times Weft on a file of workloads and prints a JSON line for each:
//
//   weft_peer [--eager] [--seconds S] WORKLOADS.json [PART OF A NAME...]
//
// or, for bench/compare, with --serve: reads one JSON command a line and answers each with one line. Peers in other
// languages (bench/peers/*.py) answer the same commands.
//
//   {"do": "make", "case": {...}, "file": F}    draws the case's inputs and parameters and writes them to F
//   {"do": "open", "case": {...}, "file": F}    makes the case ready
//   {"do": "write", "file": F}                  runs it and writes the results
//   {"do": "check", "file": F}                  runs it and compares with results that another peer wrote
//   {"do": "time", "seconds": S, "calls": N}    for S seconds, at least N calls
//   {"do": "memory", "calls": N}                resident bytes, and their peak over N calls
//   {"do": "probe", "seconds": S}               FLOP/s of multiply-adds in registers
//   {"do": "stream"}                            bytes/s of the triad
//   {"do": "close"}, {"do": "quit"}

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>

#include <weft/backends/cpu/isa.hpp>
#include <weft/bench/peers/weft_case.hpp>
#include <weft/bench/probe.hpp>
#include <weft/core/safetensors.hpp>

namespace {

using namespace weft;
using namespace weft::bench;
using Clock = std::chrono::steady_clock;

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// A line of /proc/self/status, in bytes.
int64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(field + ":", 0) == 0) return 1024 * std::stoll(line.substr(field.size() + 1));
  return 0;
}

Json time_case(const Case& c, double seconds, int64_t least) {
  // The first call after a pause finds cold caches and sleeping threads.
  const auto start = Clock::now();
  for (int i = 0; i < 3 && (i == 0 || since(start) < 0.2 * seconds); ++i) c.run();
  std::vector<double> times;
  const auto begin = Clock::now();
  while ((since(begin) < seconds && times.size() < 50000) || static_cast<int64_t>(times.size()) < least) {
    const auto call = Clock::now();
    Tensors results = c.run();
    times.push_back(since(call));
  }
  std::sort(times.begin(), times.end());
  return {{"min_s", times.front()}, {"median_s", times[times.size() / 2]}, {"calls", times.size()}};
}

std::map<std::string, Tensor> results_of(const Case& c) {
  std::map<std::string, Tensor> all;
  for (int run = 0; run < c.check_runs; ++run) {
    Tensors results = c.run();
    if (results.size() != c.names.size())
      throw StateError("case: expected " + std::to_string(c.names.size()) + " results, got " +
                       std::to_string(results.size()));
    for (size_t i = 0; i < results.size(); ++i)
      all[c.check_runs > 1 ? c.names[i] + "." + std::to_string(run) : c.names[i]] = results[i];
  }
  return all;
}

/// For each result: the largest difference, and the largest number in the other's.
Json compare(const std::map<std::string, Tensor>& own, const std::map<std::string, Tensor>& other) {
  Json errors = Json::object();
  for (const auto& [name, tensor] : other) {
    auto found = own.find(name);
    if (found == own.end() || found->second.spec() != tensor.spec())
      throw FormatError("check: " + name + ": expected " + to_string(tensor.spec()) + ", got " +
                        (found == own.end() ? "nothing" : to_string(found->second.spec())));
    const std::vector<float> left = found->second.to_vector<float>(), right = tensor.to_vector<float>();
    double difference = 0, largest = 0;
    for (size_t i = 0; i < left.size(); ++i) {
      const double d = std::abs(static_cast<double>(left[i]) - static_cast<double>(right[i]));
      difference = std::isnan(d) ? INFINITY : std::max(difference, d);
      largest = std::max(largest, std::abs(static_cast<double>(right[i])));
    }
    errors[name] = {difference, largest};
  }
  return errors;
}

class Server {
 public:
  explicit Server(const CaseOptions& options) : options_(options) {}

  Json answer(const Json& command) {
    const std::string what = command.at("do");
    if (what == "make") {
      Arrays arrays;
      make_case(command.at("case"), arrays, options_);
      arrays.save(command.at("file"));
      return Json::object();
    }
    if (what == "open") {
      case_.reset();
      Arrays arrays(command.at("file").get<std::string>());
      case_ = make_case(command.at("case"), arrays, options_);
      return Json::object();
    }
    if (what == "probe") return {{"flops", fma_peak(cpu::isa_name(), num_threads(), command.value("seconds", 0.05))}};
    if (what == "stream") return {{"bytes", stream_triad(num_threads())}};
    if (what == "close") {
      case_.reset();
      return Json::object();
    }
    if (!case_) throw StateError("command `" + what + "`: no case is open, or the command is not known");
    if (what == "write") {
      write_safetensors(command.at("file"), results_of(*case_));
      return Json::object();
    }
    if (what == "check") return {{"errors", compare(results_of(*case_), read_safetensors(command.at("file")).tensors)}};
    if (what == "time") return time_case(*case_, command.at("seconds"), command.value("calls", 3));
    if (what == "memory") {
      std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts again from what is resident now
      const int64_t before = status_bytes("VmRSS");
      for (int64_t i = 0; i < command.value("calls", 20); ++i) case_->run();
      return {{"before", before}, {"peak", status_bytes("VmHWM")}};
    }
    throw ValueError("command: unknown `" + what + "`");
  }

 private:
  CaseOptions options_;
  std::optional<Case> case_;
};

void serve(const CaseOptions& options) {
  std::cout << Json{{"ready", options.eager ? "weft-eager" : "weft"},
                    {"threads", num_threads()},
                    {"isa", cpu::isa_name()},
                    {"versions", {{"weft", "0.1.0"}}}}
            << std::endl;
  Server server(options);
  for (std::string line; std::getline(std::cin, line);) {
    try {
      const Json command = Json::parse(line);
      if (command.at("do") == "quit") return;
      const auto begin = Clock::now();
      Json answer = server.answer(command);
      answer["took_s"] = since(begin);
      std::cout << answer << std::endl;
    } catch (const std::exception& error) { std::cout << Json{{"error", error.what()}} << std::endl; }
  }
}

/// The cases of a file of workloads: every attention forward, and forward with backward; every step.
std::vector<Json> cases_of(const Json& workloads) {
  std::vector<Json> cases;
  for (const auto& [section, list] : workloads.items()) {
    for (Json spec : list) {
      const std::string name = section + "/" + spec.at("name").get<std::string>();
      if (section != "step") spec["kind"] = section;
      spec["name"] = name;
      if (section == "sdpa" || section == "mha" || section == "layer_norm") {
        for (const char* pass : {"fwd", "fwdbwd"}) {
          spec["pass"] = pass;
          spec["name"] = name + "/" + pass;
          cases.push_back(spec);
        }
      } else {
        cases.push_back(spec);
      }
    }
  }
  return cases;
}

void run_file(const std::string& file, const std::vector<std::string>& only, double seconds,
              const CaseOptions& options) {
  std::ifstream stream(file);
  if (!stream) throw FileError(file + ": cannot be read");
  for (const Json& spec : cases_of(Json::parse(stream))) {
    const std::string name = spec.at("name");
    auto wanted = [&](const std::string& part) { return name.find(part) != std::string::npos; };
    if (!only.empty() && std::none_of(only.begin(), only.end(), wanted)) continue;
    Arrays arrays;
    Json line = time_case(make_case(spec, arrays, options), seconds, 5);
    line["name"] = name;
    line["peer"] = options.eager ? "weft-eager" : "weft";
    line["threads"] = num_threads();
    std::cout << line << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) try {
  CaseOptions options;
  bool serves = false;
  double seconds = 1.5;
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--eager") options.eager = true;
    else if (word == "--serve") serves = true;
    else if (word == "--seconds" && i + 1 < argc) seconds = std::stod(argv[++i]);
    else if (word.rfind("--", 0) == 0) throw ValueError("weft_peer: unknown option " + word);
    else words.push_back(word);
  }
  if (serves) {
    serve(options);
  } else {
    if (words.empty()) throw ValueError("weft_peer: expected --serve or a file of workloads");
    run_file(words.front(), {words.begin() + 1, words.end()}, seconds, options);
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
