#pragma once

#include <cstdint>
#include <vector>

#include <weft/core/tensor.hpp>
#include <weft/examples/hierarchical_fusion/legend_map.hpp>
#include <weft/training/random_sequence.hpp>

namespace weft::examples::hierarchy {

/// B maps, in host memory. Pixels come as rows and columns of 2 x 2 blocks, as the model answers.
struct LegendBatch {
  Tensor pictures;  ///< float32 [B, 64, 64, 3] in [-1, 1]
  Tensor labels;    ///< int32 [B, 32, 32, 2, 2], `background` in the strip
  Tensor near;      ///< float32 [B, 32, 32, 2, 2]: 1 within one pixel of a point feature, else 0
  Tensor glyphs;    ///< int32 [B, 8, 8]: the class whose glyph covers most of a cell, `background` where there is none
  std::vector<LegendMap> maps;
};

/// What jit sees of a batch.
template <class F> void for_each_tensor(LegendBatch& batch, F&& f) {
  for (Tensor* tensor : {&batch.pictures, &batch.labels, &batch.near, &batch.glyphs}) f(*tensor);
}

/// Maps drawn as they are asked for: new ones in every epoch, from the loader's random numbers.
class FreshMaps {
 public:
  FreshMaps(int64_t count, const MapOptions& options) : count_(count), options_(options) {}
  int64_t size() const { return count_; }
  LegendMap get(int64_t, RandomSequence& random) const { return make_legend_map(random, options_); }

 private:
  int64_t count_;
  MapOptions options_;
};

/// The maps of a test split, drawn in parallel.
std::vector<LegendMap> make_maps(uint64_t seed, int64_t count, const MapOptions& options);

LegendBatch collate(const std::vector<LegendMap>& maps);

/// [rows, columns, 2, 2] of one picture to [64, 64].
std::vector<uint8_t> from_blocks(const int64_t* blocks);

}  // namespace weft::examples::hierarchy
