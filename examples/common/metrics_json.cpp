#include <weft/examples/common/metrics_json.hpp>

#include <cmath>

#include <nlohmann/json.hpp>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>
#include <weft/examples/common/files.hpp>
#include <weft/examples/common/statistics.hpp>

namespace weft::examples {
namespace {

nlohmann::ordered_json to_json(const MetricValue& value) {
  // nlohmann writes numbers that are not finite as null by itself.
  return std::visit([](const auto& held) { return nlohmann::ordered_json(held); }, value);
}

}  // namespace

void MetricsFile::replace(Entries& entries, const std::string& key, const MetricValue& value) {
  for (auto& [name, held] : entries)
    if (name == key) {
      held = value;
      return;
    }
  entries.emplace_back(key, value);
}

void MetricsFile::set(const std::string& key, const MetricValue& value) { replace(entries_, key, value); }

void MetricsFile::set_share(const std::string& key, int64_t hits, int64_t total) {
  Interval interval = wilson_interval(hits, total);
  set(key, total == 0 ? std::nan("") : static_cast<double>(hits) / static_cast<double>(total));
  set(key + "_interval", std::vector<double>{interval.low, interval.high});
  set(key + "_total", total);
}

void MetricsFile::set_flag(const std::string& name, const MetricValue& value) { replace(flags_, name, value); }

void MetricsFile::set_run(int64_t seed, int threads) {
  set("seed", seed);
  set("threads", int64_t{threads});
  set("commit", source_commit());
}

std::string MetricsFile::json() const {
  nlohmann::ordered_json document = nlohmann::ordered_json::object(), flags = nlohmann::ordered_json::object();
  for (const auto& [key, value] : entries_) document[key] = to_json(value);
  for (const auto& [name, value] : flags_) flags[name] = to_json(value);
  document["flags"] = std::move(flags);
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

void MetricsFile::write(const std::filesystem::path& path) const { replace_file(path, json()); }

nlohmann::ordered_json read_metrics(const std::filesystem::path& run) {
  const std::filesystem::path path = std::filesystem::is_directory(run) ? run / "metrics.json" : run;
  nlohmann::ordered_json metrics = nlohmann::ordered_json::parse(read_file(path.string()), nullptr, false);
  if (!metrics.is_object()) throw FormatError(path.string() + ": expected a JSON object of metrics");
  return metrics;
}

}  // namespace weft::examples
