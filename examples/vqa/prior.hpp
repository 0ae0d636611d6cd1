#pragma once

#include <array>
#include <map>
#include <vector>

#include <weft/examples/vqa/data.hpp>

namespace weft::examples::vqa {

/// Right answers by kind of answer.
class AccuracyByKind {
 public:
  struct Count {
    int64_t hits = 0, total = 0;
    /// NaN when total is 0.
    double share() const;
  };
  void add(AnswerKind kind, bool hit);
  const Count& of(AnswerKind kind) const { return counts_[static_cast<size_t>(kind)]; }
  Count all() const;

 private:
  std::array<Count, answer_kinds.size()> counts_;
};

/// What can be had without looking: the most frequent training answer to the same question, or to any question when it
/// was never asked. Of equally frequent answers, the one seen first in training counts.
class QuestionOnlyPrior {
 public:
  explicit QuestionOnlyPrior(const Split& train);
  int32_t answer(const Question& question) const;
  int32_t majority() const { return majority_; }
  AccuracyByKind accuracy(const Split& split) const;
  /// The share of questions whose answer is the training set's most frequent one.
  double majority_accuracy(const Split& split) const;

 private:
  std::map<std::vector<int32_t>, int32_t> answers_;
  int32_t majority_ = 0;
};

}  // namespace weft::examples::vqa
