#include <weft/examples/vqa/clevr.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include <weft/core/error.hpp>
#include <weft/examples/common/json_rows.hpp>
#include <weft/examples/vqa/decode_pictures.hpp>

namespace weft::examples::vqa {
namespace {

std::filesystem::path questions_file(const std::filesystem::path& folder, const std::string& split) {
  return folder / "questions" / ("CLEVR_" + split + "_questions.json");
}

/// A question as the file gives it, and where that was.
struct Entry {
  std::string text, answer;  // an empty answer: none
  int32_t kind = 0;
  int64_t picture = 0;
  std::string source;
};

struct Entries {
  std::vector<Entry> questions;
  std::map<int64_t, std::string> files;  // of the pictures, by their index
};

std::string answer_of(const JsonRow& row) {
  const std::string json = row.dump("answer");
  if (json == "true") return "yes";
  if (json == "false") return "no";
  if (json.front() == '"') return row.token("answer");
  return std::to_string(row.integer("answer"));
}

int32_t kind_of(const JsonRow& row) {
  if (!row.has("program") || row.dump("program") == "null") return clevr_kind("unknown");
  std::vector<JsonRow> steps = row.rows("program");
  if (steps.empty()) row.fail("program", "at least one step");
  const JsonRow& last = steps.back();
  std::string function = last.text(last.has("function") ? "function" : "type");
  int32_t kind = clevr_kind(function);
  if (kind < 0 || function == "unknown") row.fail("program", "a last function that answers a question");
  return kind;
}

int64_t index_of(const JsonRow& row, const char* field) {
  int64_t index = row.integer(field);
  if (index < 0) row.fail(field, "an integer of at least 0");
  return index;
}

Entries read_questions(const std::filesystem::path& path, bool answered) {
  Entries entries;
  std::set<int64_t> indices;
  for_each_row(path, "questions", [&](const JsonRow& row) {
    Entry entry;
    entry.source = row.source();
    entry.text = row.text("question");
    if (split_words(entry.text).empty()) row.fail("question", "at least one word");
    entry.picture = index_of(row, "image_index");
    std::string file = row.token("image_filename");
    if (file.find('/') != std::string::npos) row.fail("image_filename", "the name of a file");
    auto known = entries.files.emplace(entry.picture, file).first;
    if (known->second != file) row.fail("image_filename", known->second + " as in earlier rows of that image_index");
    if (row.has("question_index") && !indices.insert(index_of(row, "question_index")).second)
      row.fail("question_index", "one that no earlier row has");
    if (answered || row.has("answer")) entry.answer = answer_of(row);
    entry.kind = kind_of(row);
    entries.questions.push_back(std::move(entry));
  });
  if (entries.questions.empty()) throw FormatError(path.filename().string() + ": questions: expected at least one");
  return entries;
}

Split make(const Entries& entries, const DataSet& data) {
  std::vector<Question> questions;
  questions.reserve(entries.questions.size());
  for (const Entry& entry : entries.questions) {
    Question question{entry.text, {}, -1, entry.kind, entry.picture};
    if (!entry.answer.empty()) {
      auto found = std::lower_bound(data.answers.begin(), data.answers.end(), entry.answer);
      if (found == data.answers.end() || *found != entry.answer)
        throw FormatError(entry.source + ": answer: expected one that a training question has, got \"" + entry.answer +
                          '"');
      question.answer = static_cast<int32_t>(found - data.answers.begin());
    }
    try {
      question.tokens = data.vocabulary.encode(entry.text);
    } catch (const ValueError& error) { throw FormatError(entry.source + ": question: " + error.what()); }
    questions.push_back(std::move(question));
  }
  return split_by_picture(std::move(questions));
}

/// Half the width in pixels of the ball around an object: Blender's default lens of 35 mm before a sensor of 32 mm.
float half_size(const std::string& size, double depth, int64_t picture_width) {
  const double radius = size == "large" ? 0.7 : 0.35;
  return static_cast<float>(radius * 35 / 32 * static_cast<double>(picture_width) / std::max(depth, 0.1));
}

void read_scenes(const std::filesystem::path& path, const PictureSize& size, Split& split) {
  if (!std::filesystem::exists(path)) return;
  split.objects.resize(static_cast<size_t>(split.pictures));
  std::unordered_map<int64_t, size_t> places;
  for (size_t i = 0; i < split.picture_numbers.size(); ++i) places.emplace(split.picture_numbers[i], i);
  const double across = static_cast<double>(split.width) / static_cast<double>(size.width);
  const double down = static_cast<double>(split.height) / static_cast<double>(size.height);
  std::set<int64_t> indices;
  for_each_row(path, "scenes", [&](const JsonRow& row) {
    const int64_t index = index_of(row, "image_index");
    if (!indices.insert(index).second) row.fail("image_index", "one that no earlier row has");
    std::vector<PictureObject> objects;
    for (const JsonRow& object : row.rows("objects")) {
      std::vector<double> at = object.numbers("pixel_coords", 3);
      std::string extent = object.token("size");
      objects.push_back(
          {static_cast<float>(at[0] * across), static_cast<float>(at[1] * down), half_size(extent, at[2], split.width),
           extent + ' ' + object.token("color") + ' ' + object.token("material") + ' ' + object.token("shape")});
    }
    if (auto place = places.find(index); place != places.end()) split.objects[place->second] = std::move(objects);
  });
}

}  // namespace

const std::vector<QuestionKind>& clevr_kinds() {
  static const std::vector<QuestionKind> kinds{{"exist", "exist"},
                                               {"count", "count"},
                                               {"equal_integer", "compare integer"},
                                               {"less_than", "compare integer"},
                                               {"greater_than", "compare integer"},
                                               {"query_size", "query attribute"},
                                               {"query_color", "query attribute"},
                                               {"query_material", "query attribute"},
                                               {"query_shape", "query attribute"},
                                               {"equal_size", "compare attribute"},
                                               {"equal_color", "compare attribute"},
                                               {"equal_material", "compare attribute"},
                                               {"equal_shape", "compare attribute"},
                                               {"unknown", "unknown"}};
  return kinds;
}

int32_t clevr_kind(std::string_view function) {
  const std::vector<QuestionKind>& kinds = clevr_kinds();
  for (size_t i = 0; i < kinds.size(); ++i)
    if (kinds[i].name == function) return static_cast<int32_t>(i);
  return -1;
}

bool has_clevr(const std::filesystem::path& folder) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(questions_file(folder, "train"), ignored);
}

DataSet load_clevr(const std::filesystem::path& folder, const ClevrOptions& options) {
  const Entries train = read_questions(questions_file(folder, options.train_split), true);
  const Entries test = read_questions(questions_file(folder, options.test_split), options.test_split != "test");
  DataSet data;
  data.name = "CLEVR";
  data.recipe = Recipe::photographs;
  data.kinds = clevr_kinds();
  std::set<std::string> answers;
  std::vector<std::string> texts;
  bool all_known = true;
  for (const Entries* entries : {&train, &test})
    for (const Entry& entry : entries->questions) all_known &= entry.kind != clevr_kind("unknown");
  if (all_known) data.kinds.pop_back();
  for (const Entry& entry : train.questions) {
    answers.insert(entry.answer);
    texts.push_back(entry.text);
  }
  data.answers.assign(answers.begin(), answers.end());
  data.vocabulary = Vocabulary::of(texts);
  auto fill = [&](Split& split, const Entries& entries, const std::string& name, int64_t most) {
    split = make(entries, data);
    data.longest = longest_question(data);
    keep_first_pictures(split, most);
    PictureSize size = decode_pictures(
        split, {.width = options.width, .height = options.height, .same_size = true}, [&](int64_t picture) {
          return folder / "images" / name / entries.files.at(split.picture_numbers[static_cast<size_t>(picture)]);
        });
    read_scenes(folder / "scenes" / ("CLEVR_" + name + "_scenes.json"), size, split);
  };
  fill(data.train, train, options.train_split, options.most_train_pictures);
  fill(data.test, test, options.test_split, options.most_test_pictures);
  return data;
}

}  // namespace weft::examples::vqa
