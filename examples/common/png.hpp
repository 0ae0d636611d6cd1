#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <weft/examples/common/image.hpp>

namespace weft::examples {

/// Reads any PNG (grey, palette, 16 bits, interlaced) as 8-bit sRGB; what is transparent shows white.
/// Throws FileError when the file cannot be read, FormatError naming the path and libpng's reason when it is no whole
/// PNG or has more than 100 million pixels.
Image read_png(const std::filesystem::path& path);

/// The same from memory; `name` stands for the path in errors.
Image decode_png(std::string_view bytes, const std::string& name);

/// The bytes of a PNG file.
std::string encode_png(const Image& image);

/// Writes the picture whole or not at all. Throws FileError.
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace weft::examples
