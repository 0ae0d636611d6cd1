#include <weft/examples/vqa/decode_pictures.hpp>

#include <algorithm>

#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>
#include <weft/examples/common/picture.hpp>

namespace weft::examples::vqa {

PictureSize decode_pictures(Split& split, const DecodeOptions& options,
                            const std::function<std::filesystem::path(int64_t picture)>& path_of) {
  if (options.width < 1 || options.height < 1)
    throw ValueError("picture size: expected at least 1 x 1, got " + std::to_string(options.width) + " x " +
                     std::to_string(options.height));
  split.width = options.width;
  split.height = options.height;
  const int64_t bytes = split.width * split.height * 3;
  split.pixels.resize(static_cast<size_t>(split.pictures * bytes));
  auto put = [&](int64_t i) -> PictureSize {
    Image image = read_picture(path_of(i));
    Image small = resize(image, split.width, split.height);
    std::copy(small.pixels.begin(), small.pixels.end(), split.pixels.begin() + i * bytes);
    return {image.width, image.height};
  };
  if (split.pictures == 0) return {};
  const PictureSize first = put(0);
  parallel_for(split.pictures - 1, [&](int64_t task) {
    const int64_t i = task + 1;
    const PictureSize size = put(i);
    if (options.same_size && (size.width != first.width || size.height != first.height))
      throw FormatError(path_of(i).string() + ": expected " + std::to_string(first.width) + " x " +
                        std::to_string(first.height) + " pixels like the pictures before it, got " +
                        std::to_string(size.width) + " x " + std::to_string(size.height));
  });
  return first;
}

}  // namespace weft::examples::vqa
