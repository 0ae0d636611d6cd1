#include <weft/examples/common/jpeg.hpp>

#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include <jerror.h>
#include <jpeglib.h>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>
#include <weft/examples/common/files.hpp>

// libjpeg leaves on an error by longjmp. It must not pass a frame with C++ objects to destroy, so each function that
// sets a jump has plain values alone; the objects around them are its callers'.

namespace weft::examples {
namespace {

constexpr int64_t max_pixels = 100'000'000;

struct Failure {
  jpeg_error_mgr manager;  // first, so that libjpeg's pointer to it is one to the whole
  std::jmp_buf jump;
  char reason[JMSG_LENGTH_MAX];
};

[[noreturn]] void leave(j_common_ptr codec) {
  auto* failure = reinterpret_cast<Failure*>(codec->err);
  codec->err->format_message(codec, failure->reason);
  std::longjmp(failure->jump, 1);
}

/// Warnings are errors, but for those that cost no pixel.
void hear(j_common_ptr codec, int level) {
  if (level >= 0) return;
  switch (codec->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_TOO_MUCH_DATA: return;
    default: leave(codec);
  }
}

jpeg_error_mgr* listen(Failure& failure) {
  jpeg_error_mgr* manager = jpeg_std_error(&failure.manager);
  manager->error_exit = leave;
  manager->emit_message = hear;
  return manager;
}

struct Decoder {
  jpeg_decompress_struct jpeg{};
  Failure failure{};
  Decoder() { jpeg.err = listen(failure); }
  ~Decoder() { jpeg_destroy_decompress(&jpeg); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
};

struct Encoder {
  jpeg_compress_struct jpeg{};
  Failure failure{};
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  Encoder() { jpeg.err = listen(failure); }
  ~Encoder() {
    jpeg_destroy_compress(&jpeg);
    std::free(bytes);
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
};

/// Reads the header, so that the size is known; false with the reason in `failure`.
bool begin(Decoder& decoder, const char* bytes, size_t size) {
  jpeg_decompress_struct* jpeg = &decoder.jpeg;
  if (setjmp(decoder.failure.jump)) return false;
  jpeg_create_decompress(jpeg);
  jpeg_mem_src(jpeg, reinterpret_cast<const unsigned char*>(bytes), static_cast<unsigned long>(size));
  jpeg_read_header(jpeg, TRUE);
  bool inks = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
  jpeg->out_color_space = inks ? JCS_CMYK : JCS_RGB;
  jpeg->dct_method = JDCT_ISLOW;
  return true;
}

/// Reads all rows into `pixels` [height, width, output components].
bool finish(Decoder& decoder, uint8_t* pixels) {
  jpeg_decompress_struct* jpeg = &decoder.jpeg;
  if (setjmp(decoder.failure.jump)) return false;
  jpeg_start_decompress(jpeg);
  while (jpeg->output_scanline < jpeg->output_height) {
    JSAMPROW row = pixels + static_cast<size_t>(jpeg->output_scanline) * jpeg->output_width *
                                static_cast<size_t>(jpeg->output_components);
    jpeg_read_scanlines(jpeg, &row, 1);
  }
  jpeg_finish_decompress(jpeg);
  return true;
}

bool compress(Encoder& encoder, const uint8_t* pixels, unsigned width, unsigned height, int quality, bool grey) {
  jpeg_compress_struct* jpeg = &encoder.jpeg;
  if (setjmp(encoder.failure.jump)) return false;
  jpeg_create_compress(jpeg);
  jpeg_mem_dest(jpeg, &encoder.bytes, &encoder.size);
  jpeg->image_width = width;
  jpeg->image_height = height;
  jpeg->input_components = 3;
  jpeg->in_color_space = JCS_RGB;
  jpeg_set_defaults(jpeg);
  if (grey) jpeg_set_colorspace(jpeg, JCS_GRAYSCALE);
  jpeg_set_quality(jpeg, quality, TRUE);
  jpeg->dct_method = JDCT_ISLOW;
  jpeg_start_compress(jpeg, TRUE);
  while (jpeg->next_scanline < height) {
    JSAMPROW row = const_cast<JSAMPROW>(pixels + static_cast<size_t>(jpeg->next_scanline) * width * 3);
    jpeg_write_scanlines(jpeg, &row, 1);
  }
  jpeg_finish_compress(jpeg);
  return true;
}

/// Inks over white paper, as plain products. Adobe's programs store ink as 255 - ink.
void paint(Image& image, const std::vector<uint8_t>& inks, bool inverted) {
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    int ink = inks[i / 3 * 4 + i % 3], black = inks[i / 3 * 4 + 3];
    if (!inverted) {
      ink = 255 - ink;
      black = 255 - black;
    }
    image.pixels[i] = static_cast<uint8_t>((ink * black + 127) / 255);
  }
}

}  // namespace

Image decode_jpeg(std::string_view bytes, const std::string& name) {
  Decoder decoder;
  auto check = [&](bool whole) {
    if (!whole) throw FormatError(name + ": not a whole JPEG picture: " + decoder.failure.reason);
  };
  check(begin(decoder, bytes.data(), bytes.size()));
  int64_t width = decoder.jpeg.image_width, height = decoder.jpeg.image_height;
  if (width * height > max_pixels)
    throw FormatError(name + ": expected at most " + std::to_string(max_pixels) + " pixels, got " +
                      std::to_string(width) + " x " + std::to_string(height));
  Image image(width, height);
  if (decoder.jpeg.out_color_space == JCS_RGB) {
    check(finish(decoder, image.pixels.data()));
    return image;
  }
  std::vector<uint8_t> inks(static_cast<size_t>(width * height * 4));
  check(finish(decoder, inks.data()));
  paint(image, inks, decoder.jpeg.saw_Adobe_marker);
  return image;
}

Image read_jpeg(const std::filesystem::path& path) { return decode_jpeg(read_file(path.string()), path.string()); }

std::string encode_jpeg(const Image& image, const JpegOptions& options) {
  if (options.quality < 1 || options.quality > 100)
    throw ValueError("encode_jpeg: quality: expected 1 to 100, got " + std::to_string(options.quality));
  Encoder encoder;
  if (!compress(encoder, image.pixels.data(), static_cast<unsigned>(image.width), static_cast<unsigned>(image.height),
                options.quality, options.grey))
    throw ValueError(std::string("encode_jpeg: ") + encoder.failure.reason);
  return {reinterpret_cast<const char*>(encoder.bytes), encoder.size};
}

void write_jpeg(const std::filesystem::path& path, const Image& image, const JpegOptions& options) {
  replace_file(path, encode_jpeg(image, options));
}

}  // namespace weft::examples
