#include <weft/examples/common/png.hpp>

#include <png.h>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>
#include <weft/examples/common/files.hpp>

namespace weft::examples {
namespace {

constexpr int64_t max_pixels = 100'000'000;

/// libpng's simplified interface, which keeps its setjmp to itself; frees on every way out.
struct PngImage : png_image {
  PngImage() : png_image{} {
    version = PNG_IMAGE_VERSION;
    format = PNG_FORMAT_RGB;
  }
  ~PngImage() { png_image_free(this); }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
};

}  // namespace

Image decode_png(std::string_view bytes, const std::string& name) {
  PngImage png;
  auto check = [&](int whole) {
    if (!whole) throw FormatError(name + ": not a whole PNG picture: " + png.message);
  };
  check(png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()));
  int64_t width = png.width, height = png.height;
  if (width * height > max_pixels)
    throw FormatError(name + ": expected at most " + std::to_string(max_pixels) + " pixels, got " +
                      std::to_string(width) + " x " + std::to_string(height));
  png.format = PNG_FORMAT_RGB;
  Image image(width, height);
  png_color white{255, 255, 255};
  check(png_image_finish_read(&png, &white, image.pixels.data(), 0, nullptr));
  return image;
}

Image read_png(const std::filesystem::path& path) { return decode_png(read_file(path.string()), path.string()); }

std::string encode_png(const Image& image) {
  PngImage png;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png_alloc_size_t size = 0;
  std::string bytes;
  auto encode = [&](void* memory) {
    return png_image_write_to_memory(&png, memory, &size, 0, image.pixels.data(), 0, nullptr);
  };
  if (encode(nullptr)) {  // without memory it tells the size
    bytes.resize(size);
    if (encode(bytes.data())) return bytes;
  }
  throw ValueError(std::string("encode_png: ") + png.message);
}

void write_png(const std::filesystem::path& path, const Image& image) { replace_file(path, encode_png(image)); }

}  // namespace weft::examples
