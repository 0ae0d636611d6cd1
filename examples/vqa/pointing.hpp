#pragma once

#include <weft/examples/vqa/evaluation.hpp>

namespace weft::examples::vqa {

/// Counts where the words of a batch look, from the weights of all cross layers as attention_maps gives them, into
/// `result.pointing` and `result.naming`.
void count_pointing(const std::vector<Tensor>& maps, const Batch& batch, const DataSet& data, const Split& split,
                    const Grid& grid, Evaluation& result);

/// Which cells the questions of a batch may see, boolean [R, 1, Q * T, cells], when five are deleted for each.
Tensor visible_cells(const std::vector<Tensor>& maps, const Batch& batch, const Grid& grid, Deletion deletion);

}  // namespace weft::examples::vqa
