#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <weft/core/tensor.hpp>
#include <weft/examples/vqa/data.hpp>
#include <weft/training/random_sequence.hpp>

namespace weft::examples::vqa {

/// B pictures with Q questions each, of T tokens; all in host memory. Pictures with fewer questions are filled up with
/// questions of padding alone, which `asked` leaves out.
struct Batch {
  Tensor pictures;  // float32 [B, height, width, 3] in [-1, 1]
  Tensor tokens;    // int32 [B, Q, T]; the answer token first, Vocabulary::pad behind the question
  Tensor real;      // boolean [B, Q, T]: tokens that are no padding. The answer token is always real
  Tensor answers;   // int32 [B, Q]; 0 where not asked
  Tensor asked;     // boolean [B, Q]
  std::vector<std::vector<const Question*>> questions;  // [B][at most Q], in the order of the rows
};

/// What jit sees of a batch.
template <class F> void for_each_tensor(Batch& batch, F&& f) {
  for (Tensor* tensor : {&batch.pictures, &batch.tokens, &batch.real, &batch.answers, &batch.asked}) f(*tensor);
}

struct PictureOptions {
  int64_t tokens = 0;                 // T; 0: the longest question of the split
  int64_t questions_per_picture = 0;  // Q: that many, drawn anew for each epoch where there are more; 0: all
  bool mirror = false;                // left and right change places with probability 1/2
};

/// A picture and questions on it, as PictureSet::get gives them.
struct PictureSample {
  std::vector<float> pixels;  // [height, width, 3]
  std::vector<const Question*> questions;
  int64_t height = 0, width = 0, tokens = 0, rows = 0;  // rows: Q, or 0 when the batch decides
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

/// Q is the options' questions_per_picture, or the most that a picture of the batch has.
Batch collate(const std::vector<PictureSample>& samples);

/// One picture [height, width, 3] with questions of one's own, B = 1; `tokens` as Vocabulary::encode gives them.
Batch make_batch(std::span<const uint8_t> pixels, int64_t height, int64_t width,
                 const std::vector<std::vector<int32_t>>& tokens);

}  // namespace weft::examples::vqa
