#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <weft/core/tensor.hpp>
#include <weft/examples/vqa/data.hpp>
#include <weft/training/random_sequence.hpp>

namespace weft::examples::vqa {

/// B pictures and R rows of at most Q questions each, of T tokens; all in host memory. A picture with many questions
/// has several rows. Rows are filled up with questions of padding alone, which `asked` leaves out.
struct Batch {
  Tensor pictures;  // float32 [B, height, width, 3] in [-1, 1]
  Tensor row;       // int32 [R]: the picture that a row asks about; ascending, so where R = B, each has its own
  Tensor tokens;    // int32 [R, Q, T]; the answer token first, Vocabulary::pad behind the question
  Tensor real;      // boolean [R, Q, T]: tokens that are no padding. The answer token is always real
  Tensor answers;   // int32 [R, Q], 0 where not asked; float32 [R, Q, answers], their shares, where they are soft
  Tensor asked;     // boolean [R, Q]
  std::vector<std::vector<const Question*>> questions;             // [R][at most Q]
  std::vector<std::shared_ptr<const std::vector<Question>>> made;  // of pictures made anew, which `questions` point to
};

/// What jit sees of a batch.
template <class F> void for_each_tensor(Batch& batch, F&& f) {
  for (Tensor* tensor : {&batch.pictures, &batch.row, &batch.tokens, &batch.real, &batch.answers, &batch.asked})
    f(*tensor);
}

struct PictureOptions {
  int64_t tokens = 0;                 // T; 0: the longest question of the split
  int64_t questions_per_picture = 0;  // at most so many, drawn anew for each epoch where there are more; 0: all
  int64_t questions_per_row = 0;      // Q; 0: as many as the batch's fullest picture has
  int64_t soft_answers = 0;           // as many answers to choose among, for soft labels; 0: one answer each
  bool mirror = false;                // left and right change places with probability 1/2
  std::function<MadePicture(RandomSequence&)> fresh = nullptr;  // makes each picture anew, instead of the split's
};

/// A picture and questions on it, as PictureSet::get gives them.
struct PictureSample {
  std::vector<float> pixels;  // [height, width, 3]
  std::vector<const Question*> questions;
  std::shared_ptr<const std::vector<Question>> made;  // where they are not the split's
  int64_t height = 0, width = 0, tokens = 0, questions_per_row = 0, soft_answers = 0;
};

/// A split as a dataset for DataLoader. The split must outlive it.
class PictureSet {
 public:
  explicit PictureSet(const Split& split, PictureOptions options = {});
  int64_t size() const { return split_->pictures; }
  PictureSample get(int64_t index, RandomSequence& random) const;

 private:
  const Split* split_;
  PictureOptions options_;
};

/// Questions [first, last) of every row, of a batch in host memory whose rows have so many.
void keep_questions(Batch& batch, int64_t first, int64_t last);

/// Where pictures may have several rows, empty ones make up a multiple of eight, so that few shapes occur.
Batch collate(const std::vector<PictureSample>& samples);

/// One picture [height, width, 3] with questions of one's own, B = 1; `tokens` as Vocabulary::encode gives them.
Batch make_batch(std::span<const uint8_t> pixels, int64_t height, int64_t width,
                 const std::vector<std::vector<int32_t>>& tokens);

}  // namespace weft::examples::vqa
