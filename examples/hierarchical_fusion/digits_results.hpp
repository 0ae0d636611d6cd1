#pragma once

#include <filesystem>
#include <string>

#include <weft/examples/common/metrics_json.hpp>
#include <weft/examples/common/report.hpp>
#include <weft/examples/hierarchical_fusion/digits_training.hpp>

namespace weft::examples::hierarchy {

/// Everything that a finished run says of itself.
struct DigitSummary {
  RunOptions run = {};
  DigitTrainingOptions options = {};
  FitResult training = {};
  DigitEvaluation test = {};
  int64_t parameters = 0;
  double minutes = 0;
};

/// metrics.json: accuracy with its interval, flags.
void write_digit_metrics(const std::filesystem::path& path, const DigitSet& data, const DigitSummary& summary);

/// report.html: curves, where class tokens look, the confusion chart, wrong answers.
void write_digit_report(const std::filesystem::path& path, DigitModel& model, const DigitSet& data,
                        const DigitSummary& summary);

/// The test digits that were misread, at most so many.
std::vector<Figure> wrong_digits(const DigitSet& data, const DigitEvaluation& test, size_t most);

/// For the first test digit of each class: the digit, and where in the last layer the class token of the small and that
/// of the large branch look among the other branch's patches (mean of the heads). Empty for models without exchange.
std::vector<Figure> digit_looks(DigitModel& model, const DigitSet& data);

/// `wrong.png` and `attention.png` in a folder.
void write_digit_pictures(const std::filesystem::path& folder, DigitModel& model, const DigitSet& data);

}  // namespace weft::examples::hierarchy
