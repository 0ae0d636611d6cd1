#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace weft::examples::vqa {

/// Where the picture's only shape is: 1 for pixels that differ by more than 48 in some channel from the background,
/// which is the most frequent color of the picture's border. `pixels` [height, width, 3], result [height, width].
std::vector<uint8_t> object_mask(std::span<const uint8_t> pixels, int64_t height, int64_t width);

/// Which cells of a grid over the picture hold at least one pixel of the mask [height, width]: [rows, columns].
std::vector<uint8_t> cells_on_mask(std::span<const uint8_t> mask, int64_t height, int64_t width, int64_t rows,
                                   int64_t columns);

}  // namespace weft::examples::vqa
