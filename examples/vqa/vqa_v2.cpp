#include <weft/examples/vqa/vqa_v2.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <weft/core/error.hpp>
#include <weft/examples/common/files.hpp>
#include <weft/examples/common/json_rows.hpp>
#include <weft/examples/vqa/decode_pictures.hpp>
#include <weft/examples/vqa/vqa_accuracy.hpp>

namespace weft::examples::vqa {
namespace {

constexpr int32_t unknown_kind = 3;

/// A question and, after the annotations were read, what people answered.
struct Entry {
  std::string text, source, choice;
  int64_t picture = 0;
  int32_t kind = unknown_kind;
  HumanAnswers humans;
};

std::filesystem::path questions_file(const std::filesystem::path& folder, const std::string& split) {
  return folder / ("v2_OpenEnded_mscoco_" + split + "_questions.json");
}

std::filesystem::path annotations_file(const std::filesystem::path& folder, const std::string& split) {
  return folder / ("v2_mscoco_" + split + "_annotations.json");
}

std::filesystem::path picture_file(const std::filesystem::path& folder, const std::string& split, int64_t number) {
  const std::string pictures = split == "test-dev2015" ? "test2015" : split;
  return folder / pictures / fmt::format("COCO_{}_{:012}.jpg", pictures, number);
}

int64_t id_of(const JsonRow& row, const char* field) {
  int64_t id = row.integer(field);
  if (id < 0) row.fail(field, "an integer of at least 0");
  return id;
}

std::vector<Entry> read_questions(const std::filesystem::path& path) {
  std::vector<Entry> entries;
  for_each_row(path, "questions", [&](const JsonRow& row) {
    Entry entry;
    entry.source = row.source();
    entry.text = row.text("question");
    if (split_words(entry.text).empty()) row.fail("question", "at least one word");
    entry.picture = id_of(row, "image_id");
    entry.humans.question_id = id_of(row, "question_id");
    entries.push_back(std::move(entry));
  });
  if (entries.empty()) throw FormatError(path.filename().string() + ": questions: expected at least one");
  return entries;
}

using Places = std::unordered_map<int64_t, size_t>;

Places places_of(const std::vector<Entry>& entries) {
  Places places;
  for (size_t i = 0; i < entries.size(); ++i)
    if (!places.emplace(entries[i].humans.question_id, i).second)
      throw FormatError(fmt::format("{}: question_id: expected one that no earlier row has, got {}", entries[i].source,
                                    entries[i].humans.question_id));
  return places;
}

void read_annotation(const JsonRow& row, Entry& entry) {
  if (!entry.humans.answers.empty()) row.fail("question_id", "one that no earlier row has");
  if (row.integer("image_id") != entry.picture)
    row.fail("image_id", fmt::format("{} as in {}", entry.picture, entry.source));
  const std::string type = row.text("answer_type");
  const std::vector<QuestionKind>& kinds = vqa_v2_kinds();
  entry.kind = 0;
  while (entry.kind < unknown_kind && kinds[static_cast<size_t>(entry.kind)].name != type) ++entry.kind;
  if (entry.kind == unknown_kind) row.fail("answer_type", "yes/no, number or other");
  entry.choice = row.text("multiple_choice_answer");
  entry.humans.question_type = row.text("question_type");
  for (const JsonRow& answer : row.rows("answers")) entry.humans.answers.push_back(answer.text("answer"));
  if (entry.humans.answers.empty()) row.fail("answers", "at least one");
}

std::vector<Entry> read_split(const std::filesystem::path& folder, const std::string& split) {
  std::vector<Entry> entries = read_questions(questions_file(folder, split));
  const Places places = places_of(entries);
  if (split.starts_with("test")) return entries;
  const std::filesystem::path path = annotations_file(folder, split);
  for_each_row(path, "annotations", [&](const JsonRow& row) {
    auto place = places.find(id_of(row, "question_id"));
    if (place == places.end())
      row.fail("question_id", "that of a question in " + questions_file(folder, split).filename().string());
    read_annotation(row, entries[place->second]);
  });
  for (const Entry& entry : entries)
    if (entry.humans.answers.empty())
      throw FormatError(fmt::format("{}: question_id: expected an annotation in {}, got none for {}", entry.source,
                                    path.filename().string(), entry.humans.question_id));
  return entries;
}

/// Names from the most frequent on, equally frequent ones in their order; at most `most` unless that is 0.
std::vector<std::string> by_frequency(const std::map<std::string, int64_t>& counts, int64_t most) {
  std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (most > 0 && most < static_cast<int64_t>(sorted.size())) sorted.resize(static_cast<size_t>(most));
  std::vector<std::string> names;
  for (const auto& [name, count] : sorted) names.push_back(name);
  return names;
}

std::vector<std::string> frequent_answers(const std::vector<Entry>& train, int64_t most) {
  std::map<std::string, int64_t> counts;
  for (const Entry& entry : train) ++counts[normalized_answer(entry.choice)];
  counts.erase("");
  return by_frequency(counts, most);
}

/// The words of the training questions that are frequent enough, sorted, and the one that stands for all others.
Vocabulary frequent_words(const std::vector<Entry>& train, int64_t least) {
  std::map<std::string, int64_t> counts;
  for (const Entry& entry : train)
    for (const std::string& word : split_words(entry.text)) ++counts[word];
  std::vector<std::string> words{std::string(Vocabulary::unknown)};
  for (const auto& [word, count] : counts)
    if (count >= least) words.push_back(word);
  return Vocabulary(std::move(words));
}

/// Soft labels, and the people's choice where it is among the answers.
class Labels {
 public:
  explicit Labels(const std::vector<std::string>& answers) {
    for (const std::string& answer : answers) places_.emplace(answer, static_cast<int32_t>(places_.size()));
  }

  int32_t place(const std::string& answer) const {
    auto found = places_.find(normalized_answer(answer));
    return found == places_.end() ? -1 : found->second;
  }

  std::vector<SoftAnswer> soft(const std::vector<std::string>& humans) const {
    std::map<int32_t, int64_t> counts;
    for (const std::string& human : humans) ++counts[place(human)];
    counts.erase(-1);
    std::vector<SoftAnswer> soft;
    float sum = 0;
    for (const auto& [answer, count] : counts) {
      soft.push_back({answer, soft_credit(count)});
      sum += soft.back().share;
    }
    for (SoftAnswer& answer : soft) answer.share /= sum;
    return soft;
  }

 private:
  std::unordered_map<std::string, int32_t> places_;
};

std::vector<Question> questions_of(const std::vector<Entry>& entries, const DataSet& data, const Labels& labels,
                                   bool training) {
  std::vector<Question> questions;
  for (const Entry& entry : entries) {
    Question question{entry.text, data.vocabulary.encode(entry.text), labels.place(entry.choice), entry.kind,
                      entry.picture};
    if (training) {
      question.soft = labels.soft(entry.humans.answers);
      if (question.soft.empty()) continue;
      if (question.answer < 0) {  // the people's choice is rare; the most credited of the others stands for it
        auto best = std::max_element(question.soft.begin(), question.soft.end(),
                                     [](const SoftAnswer& a, const SoftAnswer& b) { return a.share < b.share; });
        question.answer = best->answer;
      }
    }
    questions.push_back(std::move(question));
  }
  return questions;
}

void require_one_each(const DataSet& data, std::span<const int32_t> predictions) {
  if (data.humans.empty()) throw ValueError("the official accuracy: " + data.name + " has no answers of people");
  if (predictions.size() != data.humans.size())
    throw ValueError(fmt::format("VQA v2: predictions: expected {}, one for each test question, got {}",
                                 data.humans.size(), predictions.size()));
}

struct Mean {
  double sum = 0;
  int64_t count = 0;
  void add(double value) {
    sum += value;
    ++count;
  }
  double value() const {
    return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
  }
};

}  // namespace

const std::vector<QuestionKind>& vqa_v2_kinds() {
  static const std::vector<QuestionKind> kinds{
      {"yes/no", "yes/no"}, {"number", "number"}, {"other", "other"}, {"unknown", "unknown"}};
  return kinds;
}

bool has_vqa_v2(const std::filesystem::path& folder) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(questions_file(folder, "train2014"), ignored);
}

DataSet load_vqa_v2(const std::filesystem::path& folder, const VqaV2Options& options) {
  const std::vector<Entry> train = read_split(folder, options.train_split);
  std::vector<Entry> test = read_split(folder, options.test_split);
  std::stable_sort(test.begin(), test.end(), [](const Entry& a, const Entry& b) { return a.picture < b.picture; });
  DataSet data;
  data.name = "VQA v2";
  data.recipe = Recipe::photographs;
  data.kinds = vqa_v2_kinds();
  if (std::none_of(test.begin(), test.end(), [](const Entry& entry) { return entry.kind == unknown_kind; }))
    data.kinds.pop_back();
  data.answers = frequent_answers(train, options.answers);
  data.soft_answers = true;
  data.vocabulary = frequent_words(train, options.word_count);
  const Labels labels(data.answers);
  auto fill = [&](Split& split, const std::vector<Entry>& entries, const std::string& name, int64_t most) {
    split = split_by_picture(questions_of(entries, data, labels, &split == &data.train));
    data.longest = longest_question(data);
    keep_first_pictures(split, most);
    decode_pictures(split, {.width = options.width, .height = options.height}, [&](int64_t picture) {
      return picture_file(folder, name, split.picture_numbers[static_cast<size_t>(picture)]);
    });
  };
  fill(data.train, train, options.train_split, options.most_train_pictures);
  fill(data.test, test, options.test_split, options.most_test_pictures);
  for (size_t i = 0; i < data.test.questions.size(); ++i) data.humans.push_back(std::move(test[i].humans));
  return data;
}

OfficialAccuracy official_accuracy(const DataSet& data, std::span<const int32_t> predictions) {
  require_one_each(data, predictions);
  std::vector<Mean> kinds(data.kinds.size());
  std::map<std::string, Mean> types;
  Mean all;
  for (size_t i = 0; i < predictions.size(); ++i) {
    if (data.humans[i].answers.empty()) continue;
    double accuracy = official_accuracy(data.answers.at(static_cast<size_t>(predictions[i])), data.humans[i].answers);
    all.add(accuracy);
    kinds[static_cast<size_t>(data.test.questions[i].kind)].add(accuracy);
    types[data.humans[i].question_type].add(accuracy);
  }
  OfficialAccuracy result{all.value(), {}, {}};
  for (const Mean& kind : kinds) result.of_kind.push_back(kind.value());
  for (const auto& [type, mean] : types) result.of_question_type.emplace_back(type, mean.value());
  return result;
}

void write_vqa_results(const std::filesystem::path& path, const DataSet& data, std::span<const int32_t> predictions) {
  require_one_each(data, predictions);
  nlohmann::json list = nlohmann::json::array();
  for (size_t i = 0; i < predictions.size(); ++i)
    list.push_back({{"question_id", data.humans[i].question_id},
                    {"answer", data.answers.at(static_cast<size_t>(predictions[i]))}});
  replace_file(path, list.dump());
}

}  // namespace weft::examples::vqa
