#include <weft/examples/common/picture.hpp>

#include <algorithm>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>
#include <weft/examples/common/jpeg.hpp>
#include <weft/examples/common/png.hpp>

namespace weft::examples {
namespace {

/// What a new pixel takes of the old ones, in parts of a common whole.
struct Share {
  int64_t first = 0;
  std::vector<int64_t> weights;  // of the old pixels from `first` on
};

/// The shares of each new pixel along one axis, all with the sum `whole`.
struct Axis {
  std::vector<Share> shares;
  int64_t whole = 0;
};

Axis axis(int64_t from, int64_t to) {
  Axis axis;
  if (from >= to) {
    // In units of 1 / to of an old pixel: new pixel i covers [i * from, (i + 1) * from), old pixel k [k * to, ...).
    axis.whole = from;
    for (int64_t i = 0; i < to; ++i) {
      Share share{i * from / to, {}};
      for (int64_t k = share.first; k * to < (i + 1) * from; ++k)
        share.weights.push_back(std::min((k + 1) * to, (i + 1) * from) - std::max(k * to, i * from));
      axis.shares.push_back(std::move(share));
    }
    return axis;
  }
  // In units of 1 / (2 to): the centre of new pixel i lies at (2 i + 1) from, those of the old ones at (2 k + 1) to.
  axis.whole = 2 * to;
  for (int64_t i = 0; i < to; ++i) {
    int64_t at = std::clamp((2 * i + 1) * from - to, int64_t{0}, 2 * to * (from - 1));
    int64_t left = std::min(at / (2 * to), from - 1), part = at - left * 2 * to;
    Share share{left, {2 * to - part}};
    if (part > 0) share.weights.push_back(part);
    axis.shares.push_back(std::move(share));
  }
  return axis;
}

}  // namespace

Image read_picture(const std::filesystem::path& path) {
  std::string bytes = read_file(path.string());
  if (bytes.starts_with("\x89PNG")) return decode_png(bytes, path.string());
  if (bytes.starts_with("\xff\xd8")) return decode_jpeg(bytes, path.string());
  throw FormatError(path.string() + ": neither a PNG nor a JPEG picture");
}

Image resize(const Image& image, int64_t width, int64_t height) {
  if (width < 1 || height < 1 || image.width < 1 || image.height < 1)
    throw ValueError("resize: expected sizes of at least 1 x 1, got " + std::to_string(image.width) + " x " +
                     std::to_string(image.height) + " to " + std::to_string(width) + " x " + std::to_string(height));
  if (width == image.width && height == image.height) return image;
  Axis columns = axis(image.width, width), rows = axis(image.height, height);
  // Across first, so that a row is read once: [old height, width, 3].
  std::vector<int64_t> narrow(static_cast<size_t>(image.height * width * 3), 0);
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const Share& share = columns.shares[static_cast<size_t>(x)];
      const uint8_t* from = image.pixels.data() + (y * image.width + share.first) * 3;
      int64_t* to = narrow.data() + (y * width + x) * 3;
      for (int64_t weight : share.weights)
        for (int64_t c = 0; c < 3; ++c) to[c] += weight * *from++;
    }
  Image out(width, height);
  const int64_t whole = columns.whole * rows.whole;
  for (int64_t y = 0; y < height; ++y) {
    const Share& share = rows.shares[static_cast<size_t>(y)];
    for (int64_t i = 0; i < width * 3; ++i) {
      int64_t sum = whole / 2;
      const int64_t* from = narrow.data() + share.first * width * 3 + i;
      for (size_t k = 0; k < share.weights.size(); ++k, from += width * 3) sum += share.weights[k] * *from;
      out.pixels[static_cast<size_t>(y * width * 3 + i)] = static_cast<uint8_t>(sum / whole);
    }
  }
  return out;
}

}  // namespace weft::examples
