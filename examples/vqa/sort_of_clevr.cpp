#include <weft/examples/vqa/sort_of_clevr.hpp>

#include <algorithm>

#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>

namespace weft::examples::vqa {
namespace {

namespace soc = sort_of_clevr;

// `1` and `2` stand for the colors of the objects.
constexpr std::array<std::string_view, soc::kinds> templates{
    "what shape is the 1 object",
    "is the 1 object on the left",
    "is the 1 object at the top",
    "what shape is closest to the 1 object",
    "what shape is furthest from the 1 object",
    "how many objects have the shape of the 1 object",
    "how many objects are between the 1 and the 2 object",
    "is any object on the line from 1 to 2",
    "how many objects make an obtuse triangle with 1 and 2",
};

std::vector<QuestionKind> question_kinds() {
  const char* names[] = {"shape", "left", "top", "closest", "furthest", "same shape", "between", "line", "obtuse"};
  const char* groups[] = {"non-relational", "binary", "ternary"};
  std::vector<QuestionKind> kinds;
  for (size_t i = 0; i < std::size(names); ++i) kinds.push_back({names[i], groups[i / 3]});
  return kinds;
}

/// Every question there is, ready but for its answer and target.
class Phrases {
 public:
  explicit Phrases(const Vocabulary& vocabulary) : questions_(soc::kinds * soc::objects * soc::objects) {
    for (int64_t kind = 0; kind < soc::kinds; ++kind)
      for (int64_t first = 0; first < soc::objects; ++first)
        for (int64_t second = 0; second < soc::objects; ++second) {
          soc::Query query{static_cast<soc::Kind>(kind), first, second};
          Question& question = questions_[place(query)];
          question.text = sort_of_clevr_text(query) + "?";
          question.tokens = vocabulary.encode(question.text);
          question.kind = static_cast<int32_t>(kind);
          question.mentions[0] = mention(question, vocabulary, first);
          if (soc::names_two(query.kind)) question.mentions[1] = mention(question, vocabulary, second);
        }
  }

  Question ask(const soc::Scene& scene, const soc::Query& query, soc::Labels labels) const {
    Question question = questions_[place(query)];
    question.answer = soc::answer(scene, query, labels);
    question.target = static_cast<int16_t>(soc::target(scene, query, labels).value_or(-1));
    return question;
  }

 private:
  static size_t place(const soc::Query& query) {
    return static_cast<size_t>((static_cast<int64_t>(query.kind) * soc::objects + query.first) * soc::objects +
                               query.second);
  }
  static Mention mention(const Question& question, const Vocabulary& vocabulary, int64_t object) {
    int32_t color = vocabulary.encode(soc::colors[static_cast<size_t>(object)].name)[1];
    auto found = std::find(question.tokens.begin(), question.tokens.end(), color);
    return {static_cast<int16_t>(found - question.tokens.begin()), static_cast<int16_t>(object)};
  }

  std::vector<Question> questions_;
};

Vocabulary all_words() {
  std::vector<std::string> texts;
  for (int64_t kind = 0; kind < soc::kinds; ++kind)
    for (int64_t color = 0; color < soc::objects; ++color)
      texts.push_back(sort_of_clevr_text({static_cast<soc::Kind>(kind), color, color}));
  return Vocabulary::of(texts);
}

std::vector<PictureObject> objects_of(const soc::Scene& scene) {
  std::vector<PictureObject> objects;
  for (size_t i = 0; i < scene.size(); ++i)
    objects.push_back({static_cast<float>(scene[i].x), static_cast<float>(scene[i].y),
                       static_cast<float>(soc::half_size), std::string(soc::colors[i].name)});
  return objects;
}

Split make(uint64_t key, int64_t pictures, const Phrases& phrases, soc::Labels labels, bool with_pixels) {
  constexpr int64_t picture_bytes = soc::side * soc::side * 3, questions = 3 * soc::questions_per_kind;
  Split split;
  split.pictures = pictures;
  split.height = split.width = soc::side;
  if (with_pixels) split.pixels.resize(static_cast<size_t>(pictures * picture_bytes));
  split.questions.resize(static_cast<size_t>(pictures * questions));
  split.objects.resize(static_cast<size_t>(pictures));
  for (int64_t i = 0; i <= pictures; ++i) split.first_question.push_back(i * questions);
  for (int64_t i = 0; i < pictures; ++i) split.picture_numbers.push_back(i);
  parallel_chunks(pictures, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      RandomSequence random(RandomKey{fold_in(key, static_cast<uint64_t>(i))});
      soc::Scene scene = soc::draw_scene(random);
      if (with_pixels) soc::render(scene, split.pixels.data() + i * picture_bytes);
      split.objects[static_cast<size_t>(i)] = objects_of(scene);
      auto next = split.questions.begin() + i * questions;
      for (const soc::Query& query : soc::draw_queries(random)) {
        *next = phrases.ask(scene, query, labels);
        next++->picture = i;
      }
    }
  });
  return split;
}

}  // namespace

SortOfClevrOptions sort_of_clevr_protocol(const std::string& name) {
  if (name == "fresh") return {};
  if (name != "paper") throw ValueError("protocol: expected fresh or paper, got '" + name + "'");
  return {.fresh = false, .test_pictures = 200};
}

sort_of_clevr::Labels sort_of_clevr_labels(const std::string& name) {
  if (name == "fixed") return soc::Labels::fixed;
  if (name != "legacy") throw ValueError("labels: expected fixed or legacy, got '" + name + "'");
  return soc::Labels::legacy;
}

std::string sort_of_clevr_text(const soc::Query& query) {
  std::string text;
  for (char letter : templates[static_cast<size_t>(query.kind)]) {
    if (letter == '1' || letter == '2')
      text += soc::colors[static_cast<size_t>(letter == '1' ? query.first : query.second)].name;
    else text += letter;
  }
  return text;
}

DataSet make_sort_of_clevr(const SortOfClevrOptions& options) {
  for (int64_t pictures : {options.train_pictures, options.test_pictures})
    if (pictures < 1)
      throw ValueError("make_sort_of_clevr: expected at least one picture in each split, got " +
                       std::to_string(pictures));
  DataSet data;
  data.name = "Sort-of-CLEVR";
  data.recipe = Recipe::sort_of_clevr;
  data.vocabulary = all_words();
  data.kinds = question_kinds();
  for (std::string_view answer : soc::answers) data.answers.emplace_back(answer);
  auto phrases = std::make_shared<const Phrases>(data.vocabulary);
  data.train = make(fold_in(options.seed, 0), options.train_pictures, *phrases, options.labels, !options.fresh);
  data.test = make(fold_in(options.seed, 1), options.test_pictures, *phrases, options.labels, true);
  if (options.fresh)
    data.fresh = [phrases, labels = options.labels](RandomSequence& random) {
      soc::Scene scene = soc::draw_scene(random);
      MadePicture made;
      made.pixels.resize(soc::side * soc::side * 3);
      soc::render(scene, made.pixels.data());
      for (const soc::Query& query : soc::draw_queries(random))
        made.questions.push_back(phrases->ask(scene, query, labels));
      return made;
    };
  return data;
}

}  // namespace weft::examples::vqa
