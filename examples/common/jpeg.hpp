#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <weft/examples/common/image.hpp>

namespace weft::examples {

/// Reads any JPEG (baseline or progressive; grey, YCbCr, RGB, CMYK or YCCK) as 8-bit RGB, with the accurate integer
/// transform, which gives the same pixels everywhere. An orientation noted in EXIF data is not applied.
/// Throws FileError when the file cannot be read, FormatError naming the path and libjpeg's reason when it is no whole
/// JPEG (cut short, bad codes) or has more than 100 million pixels. Stray bytes between segments, as cameras leave
/// them, are passed over.
Image read_jpeg(const std::filesystem::path& path);

/// The same from memory; `name` stands for the path in errors.
Image decode_jpeg(std::string_view bytes, const std::string& name);

struct JpegOptions {
  int quality = 90;   ///< 1 to 100
  bool grey = false;  ///< keep the brightness alone
};

/// The bytes of a baseline JPEG file. Throws ValueError for a quality out of range or a picture without pixels.
std::string encode_jpeg(const Image& image, const JpegOptions& options = {});

/// Writes the picture whole or not at all. Throws FileError and what `encode_jpeg` does.
void write_jpeg(const std::filesystem::path& path, const Image& image, const JpegOptions& options = {});

}  // namespace weft::examples
