#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace weft::examples {

/// The number `key` of a run's metrics.json, times `factor`.
struct RunColumn {
  std::string name, key;
  double factor = 100;
  int decimals = 1;
};

/// Finished runs in Markdown. `-` stands where a run lacks a number; spreads are standard deviations with n - 1.
class RunTable {
 public:
  /// `kind` heads the column that tells kinds of runs apart; when it is empty there is none.
  RunTable(std::string kind, std::vector<RunColumn> columns);

  void add(const std::string& kind, const nlohmann::ordered_json& metrics);

  /// For each kind, in the order in which they came, a row for each run, and the mean and spread of several.
  std::string all_runs() const;
  /// A column for each kind, and a row for each number: mean and spread over the kind's runs.
  std::string means() const;

 private:
  struct Kind {
    std::string name;
    std::vector<int64_t> seeds;
    std::vector<std::vector<double>> values;  // of each column, of each run; NaN: there is none
  };

  std::string kind_;
  std::vector<RunColumn> columns_;
  std::vector<Kind> kinds_;
};

}  // namespace weft::examples
