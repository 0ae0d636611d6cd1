#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <weft/examples/vqa/data.hpp>

namespace weft::examples::vqa {

// CLEVR v1.0 (Johnson et al. 2017) and what its generator writes (facebookresearch/clevr-dataset-gen):
//   <folder>/questions/CLEVR_<split>_questions.json   {"questions": [{image_index, image_filename, question, answer,
//                                                      program, question_index, ...}]}
//   <folder>/images/<split>/CLEVR_<split>_000000.png  all of one size; transparency is dropped
//   <folder>/scenes/CLEVR_<split>_scenes.json         may be missing
// for the splits train, val and test. The release spells answers as texts and steps of programs as "function"; the
// generator writes true, false and integers, and "type". Both are read. Questions of test have no answer and no
// program.

struct ClevrOptions {
  /// Pictures are resized to this size (480 x 320 in the release) and held as bytes: 18 KiB each, 1.6 GB for the
  /// release's 70,000 and 15,000, which four threads decode in a minute or two. Their 850,000 questions take another
  /// 0.5 GB.
  int64_t width = 96, height = 64;
  std::string train_split = "train";
  std::string test_split = "val";  ///< what the model is tested on; answers of `test` are not public
  int64_t most_train_pictures = 0, most_test_pictures = 0;  ///< read the first so many only; 0: all
};

/// Whether the questions of the split `train` are there.
bool has_clevr(const std::filesystem::path& folder);

/// The kinds of CLEVR's questions, by the last step of their program: `exist` and `count`, those that compare integers,
/// query and compare attributes; in five groups, as the paper's tables have them. The last is `unknown`, for questions
/// without program.
const std::vector<QuestionKind>& clevr_kinds();
/// Place in clevr_kinds() of a program's last function; -1 when there is none such.
int32_t clevr_kind(std::string_view function);

/// Answers and vocabulary are those of all training questions, also when part of the pictures is read. Where there are
/// scenes, the objects of the pictures are known: `small red rubber cube`, at their places in the resized picture;
/// their half size is that of the ball around them, seen from the release's camera. Throws FileError for what is
/// missing and FormatError naming file, row and field for what is malformed: bad JSON, missing or mistyped fields, an
/// index that comes twice, an answer or a word that no training question has, a question without words, an unknown
/// function, a picture that is no PNG or has another size than the first.
DataSet load_clevr(const std::filesystem::path& folder, const ClevrOptions& options = {});

}  // namespace weft::examples::vqa
