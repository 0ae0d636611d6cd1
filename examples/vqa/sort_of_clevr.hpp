#pragma once

#include <string>

#include <weft/examples/vqa/data.hpp>
#include <weft/examples/vqa/sort_of_clevr_scene.hpp>

namespace weft::examples::vqa {

struct SortOfClevrOptions {
  /// Training pictures of an epoch are made anew each time, or are the same every time (as published).
  bool fresh = true;
  sort_of_clevr::Labels labels = sort_of_clevr::Labels::fixed;
  uint64_t seed = 0;              ///< of the pictures
  int64_t train_pictures = 9800;  ///< of an epoch
  int64_t test_pictures = 2000;   ///< never seen in training
};

/// Fresh pictures each epoch and 2,000 for the test, or the published 9,800 and 200. Throws ValueError for another name
/// than `fresh` and `paper`.
SortOfClevrOptions sort_of_clevr_protocol(const std::string& name);

/// `fixed` or `legacy`; throws ValueError for another name.
sort_of_clevr::Labels sort_of_clevr_labels(const std::string& name);

/// Pictures with thirty questions each in English, nine kinds in three groups. A picture of a split depends on (seed,
/// split, its number) alone; test pictures are the first of one sequence, whatever the protocol. Throws ValueError when
/// a number of pictures is below 1.
DataSet make_sort_of_clevr(const SortOfClevrOptions& options = {});

/// The English of a question, without its question mark: `what shape is closest to the red object`.
std::string sort_of_clevr_text(const sort_of_clevr::Query& query);

}  // namespace weft::examples::vqa
