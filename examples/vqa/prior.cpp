#include <weft/examples/vqa/prior.hpp>

#include <limits>
#include <utility>

namespace weft::examples::vqa {
namespace {

using Counts = std::vector<std::pair<int32_t, int64_t>>;  // in the order in which the answers were first seen

void count(Counts& counts, int32_t answer) {
  for (auto& [seen, times] : counts)
    if (seen == answer) {
      ++times;
      return;
    }
  counts.emplace_back(answer, 1);
}

int32_t most_frequent(const Counts& counts) {
  int32_t best = 0;
  int64_t most = 0;
  for (const auto& [answer, times] : counts)
    if (times > most) {
      best = answer;
      most = times;
    }
  return best;
}

}  // namespace

double AccuracyByKind::Count::share() const {
  return total == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(hits) / static_cast<double>(total);
}

void AccuracyByKind::add(int32_t kind, bool hit) {
  Count& count = counts_[static_cast<size_t>(kind)];
  count.hits += hit;
  ++count.total;
}

AccuracyByKind::Count AccuracyByKind::of_group(std::string_view group) const {
  Count sum;
  for (size_t i = 0; i < kinds_.size(); ++i) {
    if (kinds_[i].group != group) continue;
    sum.hits += counts_[i].hits;
    sum.total += counts_[i].total;
  }
  return sum;
}

AccuracyByKind::Count AccuracyByKind::all() const {
  Count sum;
  for (const Count& count : counts_) {
    sum.hits += count.hits;
    sum.total += count.total;
  }
  return sum;
}

QuestionOnlyPrior::QuestionOnlyPrior(const DataSet& data) : kinds_(data.kinds) {
  std::map<std::vector<int32_t>, Counts> by_question;
  Counts all;
  for (const Question& question : data.train.questions) {
    count(by_question[question.tokens], question.answer);
    count(all, question.answer);
  }
  for (const auto& [tokens, counts] : by_question) answers_[tokens] = most_frequent(counts);
  majority_ = most_frequent(all);
}

int32_t QuestionOnlyPrior::answer(const Question& question) const {
  auto found = answers_.find(question.tokens);
  return found == answers_.end() ? majority_ : found->second;
}

AccuracyByKind QuestionOnlyPrior::accuracy(const Split& split) const {
  AccuracyByKind accuracy(kinds_);
  for (const Question& question : split.questions) accuracy.add(question.kind, answer(question) == question.answer);
  return accuracy;
}

double QuestionOnlyPrior::majority_accuracy(const Split& split) const {
  AccuracyByKind accuracy(kinds_);
  for (const Question& question : split.questions) accuracy.add(question.kind, majority_ == question.answer);
  return accuracy.all().share();
}

}  // namespace weft::examples::vqa
