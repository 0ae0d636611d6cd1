#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <weft/examples/vqa/vocabulary.hpp>

namespace weft::examples::vqa {

enum class AnswerKind : uint8_t { yes_no, color, shape };
constexpr std::array<AnswerKind, 3> answer_kinds{AnswerKind::yes_no, AnswerKind::color, AnswerKind::shape};
/// `yes/no`, `color` or `shape`.
const char* name_of(AnswerKind kind);
/// `yes` and `no`; `circle`, `rectangle` and `triangle`; every other answer is a color.
AnswerKind kind_of(const std::string& answer);

struct Question {
  std::string text;
  std::vector<int32_t> tokens;  // answer token first, as Vocabulary::encode gives them
  int32_t answer = 0;           // place in DataSet::answers
  AnswerKind kind = AnswerKind::yes_no;
  int64_t picture = 0;  // place in Split, not the file's number
};

/// Pictures of one size, and their questions in the order of the pictures.
struct Split {
  int64_t pictures = 0, height = 0, width = 0;
  std::vector<uint8_t> pixels;  // [pictures, height, width, 3]
  std::vector<Question> questions;
  std::vector<int64_t> first_question;   // [pictures + 1]
  std::vector<int64_t> picture_numbers;  // [pictures], as in the files' names

  /// [height, width, 3]
  std::span<const uint8_t> pixels_of(int64_t picture) const;
  std::span<const Question> questions_of(int64_t picture) const;
};

struct DataSet {
  std::string name;
  Vocabulary vocabulary;  // of the training questions
  std::vector<std::string> answers;
  Split train, test;
};

/// A question as a file gives it.
struct RawQuestion {
  std::string text, answer;
  int64_t picture = 0;  // number in the file's name
};

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

/// The longest question in tokens, over both splits.
int64_t longest_question(const DataSet& data);

}  // namespace weft::examples::vqa
