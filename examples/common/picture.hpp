#pragma once

#include <filesystem>

#include <weft/examples/common/image.hpp>

namespace weft::examples {

/// Reads a PNG or JPEG, told apart by its first bytes, whatever the file's name. Throws FileError, and FormatError for
/// anything else and for what read_png and read_jpeg refuse.
Image read_picture(const std::filesystem::path& path);

/// The picture stretched to another size: each new pixel is the mean of the area of the old one that it covers, along
/// the axes that shrink, and bilinear between the nearest two along those that grow. Integer arithmetic: the same
/// everywhere. Throws ValueError for a size below 1 x 1 or a picture without pixels.
Image resize(const Image& image, int64_t width, int64_t height);

}  // namespace weft::examples
