#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace weft::examples {

using MetricValue = std::variant<bool, int64_t, double, std::string, std::vector<double>>;

/// What a run leaves in metrics.json, in the order of the calls; setting a key again replaces its value.
class MetricsFile {
 public:
  void set(const std::string& key, const MetricValue& value);
  void set(const std::string& key, const char* value) { set(key, MetricValue(std::string(value))); }
  /// `key` = hits / total, and `key`_interval = its 95 % interval [low, high], `key`_total = total.
  void set_share(const std::string& key, int64_t hits, int64_t total);
  /// An entry of the object `flags`: how the program was called.
  void set_flag(const std::string& name, const MetricValue& value);
  /// `seed`, `threads`, and source_commit() as `commit`.
  void set_run(int64_t seed, int threads);

  /// Numbers that are not finite become null.
  std::string json() const;
  /// Writes the file whole or not at all. Throws FileError.
  void write(const std::filesystem::path& path) const;

 private:
  using Entries = std::vector<std::pair<std::string, MetricValue>>;
  static void replace(Entries& entries, const std::string& key, const MetricValue& value);

  Entries entries_, flags_;
};

/// What a run has left; a folder stands for the metrics.json in it. Throws FileError when there is none, FormatError
/// naming the file when it is no JSON object.
nlohmann::ordered_json read_metrics(const std::filesystem::path& run);

/// The commit that the program was built from, with `-dirty` when files differed from it; `unknown` without git.
std::string source_commit();

}  // namespace weft::examples
