#pragma once

#include <weft/examples/vqa/data.hpp>

namespace weft::examples::vqa {

struct SyntheticOptions {
  uint64_t seed = 0;
  int64_t train_pictures = 4000, test_pictures = 1000;
};

/// A set of easy-VQA's kind, made on the spot: one rectangle, circle or triangle of 8 to 32 pixels in one of eight
/// colors on a light background, 64 x 64, drawn at twice the size and halved; per picture each open question with
/// probability 0.32 and each yes/no question with 0.08, by easy-VQA's 24 templates. A picture depends on (seed, split,
/// its number) alone. Throws ValueError when a number of pictures is below 1.
DataSet make_synthetic(const SyntheticOptions& options = {});

}  // namespace weft::examples::vqa
