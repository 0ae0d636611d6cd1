#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <weft/examples/vqa/vocabulary.hpp>
#include <weft/training/random_sequence.hpp>

namespace weft::examples::vqa {

/// What accuracies are counted by. Kinds that belong together share a group, which may be the kind's own name.
struct QuestionKind {
  std::string name, group;
  bool operator==(const QuestionKind&) const = default;
};

/// Something in a picture that questions name or ask for; in pixels.
struct PictureObject {
  float x = 0, y = 0;  // centre
  float half_size = 0;
  std::string name;  // as questions name it
};

/// A word of a question that names an object of its picture.
struct Mention {
  int16_t token = -1;   // place in Question::tokens; -1: no mention
  int16_t object = -1;  // place in Split::objects_of(picture)
};

/// An answer and its share of the credit.
struct SoftAnswer {
  int32_t answer = 0;  // place in DataSet::answers
  float share = 0;     // the shares of a question sum up to 1
};

struct Question {
  std::string text;
  std::vector<int32_t> tokens;  // answer token first, as Vocabulary::encode gives them
  int32_t answer = 0;           // place in DataSet::answers; -1: an answer that is not among them, never right
  int32_t kind = 0;             // place in DataSet::kinds
  int64_t picture = 0;          // place in Split, not the file's number
  std::array<Mention, 2> mentions = {};
  std::vector<SoftAnswer> soft = {};  // what to train for where people's answers differ; empty: `answer` alone
  int16_t target = -1;                // the object that the answer is read off, where there is one and it is known
};

/// Pictures of one size, and their questions in the order of the pictures.
struct Split {
  int64_t pictures = 0, height = 0, width = 0;
  std::vector<uint8_t> pixels;  // [pictures, height, width, 3]
  std::vector<Question> questions;
  std::vector<int64_t> first_question;              // [pictures + 1]
  std::vector<int64_t> picture_numbers;             // [pictures], as in the files' names
  std::vector<std::vector<PictureObject>> objects;  // [pictures], or empty where the set does not tell

  /// [height, width, 3]
  std::span<const uint8_t> pixels_of(int64_t picture) const;
  std::span<const Question> questions_of(int64_t picture) const;
  std::span<const PictureObject> objects_of(int64_t picture) const;
};

/// A picture with its questions that a generator has just made.
struct MadePicture {
  std::vector<uint8_t> pixels;  // [height, width, 3]
  std::vector<Question> questions;
};

/// Which model and training fit a set.
enum class Recipe : uint8_t { easy_vqa, sort_of_clevr, photographs };

/// What people said to a question.
struct HumanAnswers {
  int64_t question_id = 0;
  std::string question_type;         // its first words; empty where there are no annotations
  std::vector<std::string> answers;  // as they were typed; none where there are no annotations
};

struct DataSet {
  std::string name;
  Recipe recipe = Recipe::easy_vqa;
  bool soft_answers = false;         // training questions have Question::soft
  int64_t longest = 0;               // tokens of the longest question, where the splits hold only part of them
  std::vector<HumanAnswers> humans;  // for each test question, in its order; empty for made sets
  Vocabulary vocabulary;             // of the training questions
  std::vector<std::string> answers;
  std::vector<QuestionKind> kinds;
  Split train, test;
  /// Where it is set, training pictures are made anew for each epoch: train.pixels is then empty, and train's questions
  /// are a sample of their kind, for the prior. Called from several threads.
  std::function<MadePicture(RandomSequence& random)> fresh = nullptr;

  /// The groups of the kinds, each once, in their order.
  std::vector<std::string> groups() const;
};

/// A question as a file gives it.
struct RawQuestion {
  std::string text, answer;
  int64_t picture = 0;  // number in the file's name
  int32_t kind = 0;     // place in DataSet::kinds
};

/// `yes/no`, `color` and `shape`.
const std::vector<QuestionKind>& easy_vqa_kinds();
/// Place in easy_vqa_kinds(): `yes` and `no`; `circle`, `rectangle` and `triangle`; every other answer is a color.
int32_t easy_vqa_kind(const std::string& answer);

/// Whether `folder` holds the set's three text files.
bool has_easy_vqa(const std::filesystem::path& folder);

/// Reads easy-VQA (Victor Zhou, PyPI package easy-vqa 1.0): answers.txt, {train,test}/questions.json = a list of
/// [question, answer, picture number], {train,test}/images/<number>.png. Pictures are decoded once, in parallel.
/// Throws FileError for what is missing and FormatError for what is malformed, naming file and entry: bad JSON, wrong
/// fields, an answer that answers.txt lacks, a corrupt PNG, pictures of different sizes, a test word that no training
/// question has.
DataSet load_easy_vqa(const std::filesystem::path& folder);

/// A split without pixels: its pictures are the numbers that questions name, ascending. Throws FormatError that starts
/// with `source` for an answer or a word that is not known.
Split make_split(const std::vector<RawQuestion>& raw, const Vocabulary& vocabulary,
                 const std::vector<std::string>& answers, const std::string& source);

/// A split without pixels of questions whose `picture` is the number in the file's name: its pictures are those
/// numbers, ascending, and the questions stand in their order.
Split split_by_picture(std::vector<Question> questions);

/// The first `pictures` of a split alone, with their questions; all where there are no more. 0: all.
void keep_first_pictures(Split& split, int64_t pictures);

/// The longest question in tokens, over both splits and what was left out of them.
int64_t longest_question(const DataSet& data);

}  // namespace weft::examples::vqa
