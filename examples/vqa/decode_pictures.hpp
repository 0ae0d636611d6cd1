#pragma once

#include <filesystem>
#include <functional>

#include <weft/examples/vqa/data.hpp>

namespace weft::examples::vqa {

struct DecodeOptions {
  int64_t width = 0, height = 0;  ///< what every picture is resized to
  bool same_size = false;         ///< refuse a picture whose own size is not that of the first
};

/// The size of pictures before they were resized.
struct PictureSize {
  int64_t width = 0, height = 0;
};

/// Reads the pictures of a split, PNG or JPEG, on several threads, straight into `split.pixels`: beside them, one
/// picture per thread is held at full size. `path_of` tells where a picture lies; it is called from several threads.
/// Returns the first picture's own size. Throws ValueError for a size below 1 x 1, FileError and FormatError naming
/// the path.
PictureSize decode_pictures(Split& split, const DecodeOptions& options,
                            const std::function<std::filesystem::path(int64_t picture)>& path_of);

}  // namespace weft::examples::vqa
