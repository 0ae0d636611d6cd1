#include <weft/examples/vqa/data.hpp>

#include <algorithm>
#include <sstream>

#include <nlohmann/json.hpp>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>
#include <weft/core/parallel.hpp>
#include <weft/examples/common/png.hpp>

namespace weft::examples::vqa {
namespace {

std::vector<std::string> read_answers(const std::filesystem::path& path) {
  std::istringstream lines(read_file(path.string()));
  std::vector<std::string> answers;
  for (std::string line; std::getline(lines, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    if (std::find(answers.begin(), answers.end(), line) != answers.end())
      throw FormatError(path.string() + ": the answer \"" + line + "\" comes twice");
    answers.push_back(line);
  }
  if (answers.empty()) throw FormatError(path.string() + ": expected one answer per line, got none");
  return answers;
}

std::vector<RawQuestion> read_questions(const std::filesystem::path& path) {
  nlohmann::json document;
  try {
    document = nlohmann::json::parse(read_file(path.string()));
  } catch (const nlohmann::json::parse_error& error) {
    throw FormatError(path.string() + ": not valid JSON: " + error.what());
  }
  if (!document.is_array()) throw FormatError(path.string() + ": expected a list of questions");
  if (document.empty()) throw FormatError(path.string() + ": expected a list of questions, got an empty one");
  std::vector<RawQuestion> questions;
  questions.reserve(document.size());
  for (const nlohmann::json& entry : document) {
    auto where = [&] { return path.string() + ": entry " + std::to_string(questions.size()); };
    if (!entry.is_array() || entry.size() != 3)
      throw FormatError(where() + ": expected [question, answer, picture number], got " + entry.dump());
    if (!entry[0].is_string()) throw FormatError(where() + ": question: expected a text, got " + entry[0].dump());
    if (!entry[1].is_string()) throw FormatError(where() + ": answer: expected a text, got " + entry[1].dump());
    if (!entry[2].is_number_integer() || entry[2].get<int64_t>() < 0)
      throw FormatError(where() + ": picture number: expected an integer of at least 0, got " + entry[2].dump());
    questions.push_back({entry[0].get<std::string>(), entry[1].get<std::string>(), entry[2].get<int64_t>(),
                         easy_vqa_kind(entry[1].get<std::string>())});
  }
  return questions;
}

void read_pictures(Split& split, const std::filesystem::path& folder) {
  std::vector<Image> images(static_cast<size_t>(split.pictures));
  parallel_for(split.pictures, [&](int64_t i) {
    size_t at = static_cast<size_t>(i);
    images[at] = read_png(folder / (std::to_string(split.picture_numbers[at]) + ".png"));
  });
  split.height = images.front().height;
  split.width = images.front().width;
  split.pixels.reserve(images.size() * images.front().pixels.size());
  for (size_t i = 0; i < images.size(); ++i) {
    const Image& image = images[i];
    if (image.height != split.height || image.width != split.width)
      throw FormatError((folder / (std::to_string(split.picture_numbers[i]) + ".png")).string() + ": expected " +
                        std::to_string(split.width) + " x " + std::to_string(split.height) +
                        " pixels like the pictures before it, got " + std::to_string(image.width) + " x " +
                        std::to_string(image.height));
    split.pixels.insert(split.pixels.end(), image.pixels.begin(), image.pixels.end());
  }
}

}  // namespace

const std::vector<QuestionKind>& easy_vqa_kinds() {
  static const std::vector<QuestionKind> kinds{{"yes/no", "yes/no"}, {"color", "color"}, {"shape", "shape"}};
  return kinds;
}

int32_t easy_vqa_kind(const std::string& answer) {
  if (answer == "yes" || answer == "no") return 0;
  return answer == "circle" || answer == "rectangle" || answer == "triangle" ? 2 : 1;
}

std::vector<std::string> DataSet::groups() const {
  std::vector<std::string> names;
  for (const QuestionKind& kind : kinds)
    if (std::find(names.begin(), names.end(), kind.group) == names.end()) names.push_back(kind.group);
  return names;
}

std::span<const uint8_t> Split::pixels_of(int64_t picture) const {
  size_t size = static_cast<size_t>(height * width * 3);
  return {pixels.data() + static_cast<size_t>(picture) * size, size};
}

std::span<const Question> Split::questions_of(int64_t picture) const {
  size_t first = static_cast<size_t>(first_question[static_cast<size_t>(picture)]);
  size_t last = static_cast<size_t>(first_question[static_cast<size_t>(picture) + 1]);
  return {questions.data() + first, last - first};
}

std::span<const PictureObject> Split::objects_of(int64_t picture) const {
  if (objects.empty()) return {};
  return objects[static_cast<size_t>(picture)];
}

Split split_by_picture(std::vector<Question> questions) {
  Split split;
  split.questions = std::move(questions);
  std::stable_sort(split.questions.begin(), split.questions.end(),
                   [](const Question& a, const Question& b) { return a.picture < b.picture; });
  for (size_t i = 0; i < split.questions.size(); ++i) {
    Question& question = split.questions[i];
    if (split.pictures == 0 || split.picture_numbers.back() != question.picture) {
      split.picture_numbers.push_back(question.picture);
      split.first_question.push_back(static_cast<int64_t>(i));
      ++split.pictures;
    }
    question.picture = split.pictures - 1;
  }
  split.first_question.push_back(static_cast<int64_t>(split.questions.size()));
  return split;
}

void keep_first_pictures(Split& split, int64_t pictures) {
  if (pictures <= 0 || pictures >= split.pictures) return;
  const auto count = static_cast<size_t>(pictures);
  split.pictures = pictures;
  split.first_question.resize(count + 1);
  split.questions.resize(static_cast<size_t>(split.first_question.back()));
  split.picture_numbers.resize(count);
  if (!split.pixels.empty()) split.pixels.resize(count * static_cast<size_t>(split.height * split.width * 3));
  if (!split.objects.empty()) split.objects.resize(count);
}

Split make_split(const std::vector<RawQuestion>& raw, const Vocabulary& vocabulary,
                 const std::vector<std::string>& answers, const std::string& source) {
  std::vector<Question> questions;
  for (size_t i = 0; i < raw.size(); ++i) {
    auto where = [&] { return source + ": entry " + std::to_string(i) + ": "; };
    auto answer = std::find(answers.begin(), answers.end(), raw[i].answer);
    if (answer == answers.end())
      throw FormatError(where() + "answer: \"" + raw[i].answer + "\" is not in the list of answers");
    Question question{raw[i].text, {}, static_cast<int32_t>(answer - answers.begin()), raw[i].kind, raw[i].picture};
    try {
      question.tokens = vocabulary.encode(raw[i].text);
    } catch (const ValueError& error) { throw FormatError(where() + "question: " + error.what()); }
    questions.push_back(std::move(question));
  }
  return split_by_picture(std::move(questions));
}

bool has_easy_vqa(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const char* file : {"answers.txt", "train/questions.json", "test/questions.json"})
    if (!std::filesystem::is_regular_file(folder / file, ignored)) return false;
  return true;
}

DataSet load_easy_vqa(const std::filesystem::path& folder) {
  DataSet data;
  data.name = "easy-VQA";
  data.kinds = easy_vqa_kinds();
  data.answers = read_answers(folder / "answers.txt");
  std::vector<RawQuestion> train = read_questions(folder / "train" / "questions.json");
  std::vector<RawQuestion> test = read_questions(folder / "test" / "questions.json");
  std::vector<std::string> texts;
  for (const RawQuestion& question : train) texts.push_back(question.text);
  data.vocabulary = Vocabulary::of(texts);
  data.train = make_split(train, data.vocabulary, data.answers, (folder / "train" / "questions.json").string());
  data.test = make_split(test, data.vocabulary, data.answers, (folder / "test" / "questions.json").string());
  read_pictures(data.train, folder / "train" / "images");
  read_pictures(data.test, folder / "test" / "images");
  if (data.train.height != data.test.height || data.train.width != data.test.width)
    throw FormatError(folder.string() + ": expected test pictures of the size of the training pictures");
  return data;
}

int64_t longest_question(const DataSet& data) {
  auto longest = static_cast<size_t>(data.longest);
  for (const Split* split : {&data.train, &data.test})
    for (const Question& question : split->questions) longest = std::max(longest, question.tokens.size());
  return static_cast<int64_t>(longest);
}

}  // namespace weft::examples::vqa
