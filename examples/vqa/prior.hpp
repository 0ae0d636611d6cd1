#pragma once

#include <map>
#include <vector>

#include <weft/examples/vqa/data.hpp>

namespace weft::examples::vqa {

/// Right answers by kind of question.
class AccuracyByKind {
 public:
  AccuracyByKind() = default;
  explicit AccuracyByKind(std::vector<QuestionKind> kinds) : kinds_(std::move(kinds)), counts_(kinds_.size()) {}

  struct Count {
    int64_t hits = 0, total = 0;
    void add(bool hit) {
      hits += hit;
      ++total;
    }
    /// NaN when total is 0.
    double share() const;
  };
  void add(int32_t kind, bool hit);
  const std::vector<QuestionKind>& kinds() const { return kinds_; }
  const Count& of(int32_t kind) const { return counts_[static_cast<size_t>(kind)]; }
  /// Of all kinds of that group.
  Count of_group(std::string_view group) const;
  Count all() const;

 private:
  std::vector<QuestionKind> kinds_;
  std::vector<Count> counts_;
};

/// What can be had without looking: the most frequent training answer to the same question, or to any question when it
/// was never asked. Of equally frequent answers, the one seen first in training counts.
class QuestionOnlyPrior {
 public:
  explicit QuestionOnlyPrior(const DataSet& data);
  int32_t answer(const Question& question) const;
  int32_t majority() const { return majority_; }
  AccuracyByKind accuracy(const Split& split) const;
  /// The share of questions whose answer is the training set's most frequent one.
  double majority_accuracy(const Split& split) const;

 private:
  std::map<std::vector<int32_t>, int32_t> answers_;
  std::vector<QuestionKind> kinds_;
  int32_t majority_ = 0;
};

}  // namespace weft::examples::vqa
