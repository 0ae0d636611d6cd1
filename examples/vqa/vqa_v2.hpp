#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <weft/examples/vqa/data.hpp>

namespace weft::examples::vqa {

// VQA v2 (Goyal et al. 2017) as the challenge's site hands it out:
//   <folder>/v2_OpenEnded_mscoco_<split>_questions.json   {"questions": [{question_id, image_id, question}]}
//   <folder>/v2_mscoco_<split>_annotations.json           {"annotations": [{question_id, image_id, question_type,
//                                                          answer_type, multiple_choice_answer, answers: [10 x
//                                                          {answer}]}]}
//   <folder>/<split>/COCO_<split>_000000000000.jpg        COCO's pictures, of many sizes
// for the splits train2014, val2014 and, without annotations, test2015 and test-dev2015 (whose pictures are
// test2015's).

struct VqaV2Options {
  /// Pictures are stretched to this size and held as bytes: 27 KiB each, 3.4 GB for the 82,783 of train2014 and the
  /// 40,504 of val2014, which four threads decode in a minute or two. Their 658,111 questions with ten answers each
  /// take another 1.0 GB.
  int64_t width = 96, height = 96;
  std::string train_split = "train2014", test_split = "val2014";
  int64_t answers = 3000;  ///< the model chooses among so many, the most frequent of training; 0: all
  int64_t word_count = 3;  ///< words that are less frequent in training questions count as unknown
  int64_t most_train_pictures = 0, most_test_pictures = 0;  ///< read the first so many only; 0: all
};

/// `yes/no`, `number`, `other`, and `unknown` for questions without annotations.
const std::vector<QuestionKind>& vqa_v2_kinds();

/// Whether the questions of train2014 are there.
bool has_vqa_v2(const std::filesystem::path& folder);

/// Answers are normalised as the official accuracy does and sorted from the most frequent on (equally frequent ones by
/// name), by the people's choice (`multiple_choice_answer`) of all training questions, also when part of the pictures
/// is read. Training questions none of whose answers is among them are left out; soft labels hold min(1, count / 3) for
/// each answer, scaled to the sum 1. Throws FileError for what is missing and FormatError naming file, row and field
/// for what is malformed: bad JSON, missing or mistyped fields, a question_id that comes twice, an annotation for an
/// unknown question or another image, a question without annotation or without words, an unknown answer_type, no
/// answers, a picture that is neither JPEG nor PNG.
DataSet load_vqa_v2(const std::filesystem::path& folder, const VqaV2Options& options = {});

/// Means of the official accuracy (vqa_accuracy.hpp) of predicted places in data.answers, one for each test question.
struct OfficialAccuracy {
  double all = 0;                                                ///< NaN where no question has answers
  std::vector<double> of_kind;                                   ///< [data.kinds]; NaN without questions
  std::vector<std::pair<std::string, double>> of_question_type;  ///< sorted by name
};
/// Throws ValueError unless there are people's answers and one prediction for each test question.
OfficialAccuracy official_accuracy(const DataSet& data, std::span<const int32_t> predictions);

/// Writes the challenge's result file: [{"question_id": ..., "answer": ...}]. Throws FileError, and ValueError as
/// above.
void write_vqa_results(const std::filesystem::path& path, const DataSet& data, std::span<const int32_t> predictions);

}  // namespace weft::examples::vqa
