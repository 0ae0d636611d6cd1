#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

#include <weft/core/error.hpp>
#include <weft/examples/common/jpeg.hpp>
#include <weft/examples/common/picture.hpp>
#include <weft/examples/common/png.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using namespace weft::examples;
using test::TemporaryFolder;

namespace {

/// Smooth, so that a JPEG keeps it nearly.
Image slope(int64_t width, int64_t height) {
  Image image(width, height);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      image.set(x, y,
                {static_cast<uint8_t>(5 * x + 20), static_cast<uint8_t>(6 * y + 30),
                 static_cast<uint8_t>(200 - 3 * x - 2 * y)});
  return image;
}

int largest_difference(const Image& a, const Image& b) {
  REQUIRE(a.pixels.size() == b.pixels.size());
  int most = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) most = std::max(most, std::abs(a.pixels[i] - b.pixels[i]));
  return most;
}

/// A picture of one colour in inks, as other programs write it.
std::string cmyk(uint8_t cyan, uint8_t magenta, uint8_t yellow, uint8_t black, bool adobe) {
  jpeg_error_mgr manager;
  jpeg_compress_struct jpeg{};
  jpeg.err = jpeg_std_error(&manager);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_width = jpeg.image_height = 8;
  jpeg.input_components = 4;
  jpeg.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 100, TRUE);
  jpeg.write_Adobe_marker = adobe ? TRUE : FALSE;
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<uint8_t> line;
  for (int i = 0; i < 8; ++i) line.insert(line.end(), {cyan, magenta, yellow, black});
  JSAMPROW row = line.data();
  for (int i = 0; i < 8; ++i) jpeg_write_scanlines(&jpeg, &row, 1);
  jpeg_finish_compress(&jpeg);
  std::string result(reinterpret_cast<char*>(bytes), size);
  jpeg_destroy_compress(&jpeg);
  std::free(bytes);
  return result;
}

}  // namespace

TEST_CASE("a JPEG comes back nearly as it was written") {
  TemporaryFolder folder;
  Image image = slope(29, 19);
  write_jpeg(folder / "deep/er/a.jpg", image, {.quality = 100});
  Image back = read_jpeg(folder / "deep/er/a.jpg");
  CHECK(back.width == 29);
  CHECK(back.height == 19);
  CHECK(largest_difference(back, image) <= 8);
  Image flat(17, 13, {128, 128, 128});
  CHECK(decode_jpeg(encode_jpeg(flat), "flat").pixels == flat.pixels);
  CHECK(encode_jpeg(image, {.quality = 30}).size() < encode_jpeg(image, {.quality = 95}).size());
  CHECK(encode_jpeg(image) == encode_jpeg(image));
}

TEST_CASE("a grey JPEG becomes three equal channels") {
  Image image(11, 7, {0, 255, 0});  // brightness 0.587 * 255
  Image back = decode_jpeg(encode_jpeg(image, {.quality = 100, .grey = true}), "grey");
  CHECK(back.at(3, 3) == Rgb{150, 150, 150});
  CHECK(back.at(10, 6) == Rgb{150, 150, 150});
}

TEST_CASE("a JPEG of inks becomes RGB, plain and as Adobe stores it") {
  Rgb red = decode_jpeg(cmyk(0, 255, 255, 0, false), "plain").at(4, 4);
  CHECK(red.red >= 253);
  CHECK(red.green <= 2);
  CHECK(red.blue <= 2);
  Rgb inverted = decode_jpeg(cmyk(255, 0, 0, 255, true), "adobe").at(4, 4);
  CHECK(inverted == red);
  Rgb dark = decode_jpeg(cmyk(0, 0, 0, 155, false), "dark").at(0, 0);
  CHECK(std::abs(dark.red - 100) <= 1);
}

TEST_CASE("a JPEG cut anywhere is an error that names the file") {
  std::string bytes = encode_jpeg(slope(13, 37));
  REQUIRE_NOTHROW(decode_jpeg(bytes, "whole.jpg"));
  for (size_t length = 0; length + 2 < bytes.size(); ++length) {  // without the end marker all pixels may be there
    INFO("cut to " << length << " of " << bytes.size());
    CHECK_THROWS_AS(decode_jpeg(std::string_view(bytes).substr(0, length), "cut.jpg"), FormatError);
  }
  CHECK_THROWS_WITH(decode_jpeg("no picture at all", "text.jpg"),
                    Catch::StartsWith("text.jpg: not a whole JPEG picture: "));
  CHECK_THROWS_WITH(decode_jpeg(bytes.substr(0, bytes.size() - 30), "cut.jpg"),
                    Catch::StartsWith("cut.jpg: not a whole JPEG picture: "));
}

TEST_CASE("a JPEG with stray bytes between its segments is read") {
  std::string bytes = encode_jpeg(slope(13, 7)), stray = bytes;
  stray.insert(2, "ab");
  CHECK(decode_jpeg(stray, "stray").pixels == decode_jpeg(bytes, "plain").pixels);
}

TEST_CASE("a JPEG that claims to be huge is refused before memory is asked for") {
  std::string bytes = encode_jpeg(slope(3, 3));
  size_t frame = bytes.find("\xff\xc0");
  REQUIRE(frame != std::string::npos);
  for (size_t i = 5; i < 9; ++i) bytes[frame + i] = static_cast<char>(0xea);
  CHECK_THROWS_WITH(decode_jpeg(bytes, "huge.jpg"), "huge.jpg: expected at most 100000000 pixels, got 60138 x 60138");
}

TEST_CASE("what cannot be a JPEG is refused") {
  CHECK_THROWS_AS(read_jpeg("/nowhere/at/all.jpg"), FileError);
  CHECK_THROWS_WITH(encode_jpeg(slope(3, 3), {.quality = 0}), "encode_jpeg: quality: expected 1 to 100, got 0");
  CHECK_THROWS_AS(encode_jpeg(Image()), ValueError);
}

TEST_CASE("pictures are told apart by their content") {
  TemporaryFolder folder;
  Image image(5, 3, {9, 99, 199});
  write_png(folder / "a.jpg", image);
  CHECK(read_picture(folder / "a.jpg").pixels == image.pixels);
  write_jpeg(folder / "a.png", image);
  CHECK(read_picture(folder / "a.png").width == 5);
  test::write_text(folder / "text.png", "GIF89a");
  CHECK_THROWS_WITH(read_picture(folder / "text.png"), Catch::EndsWith("text.png: neither a PNG nor a JPEG picture"));
  CHECK_THROWS_AS(read_picture(folder / "absent.png"), FileError);
}

TEST_CASE("a resized picture has the mean of each area") {
  Image image(3, 2, Rgb{});
  for (int64_t x = 0; x < 3; ++x) image.set(x, 0, {static_cast<uint8_t>(30 * x), 60, 0});
  // Columns 0, 30, 60 to two: (0 + 30 / 2) / 1.5 = 10 and (30 / 2 + 60) / 1.5 = 50; with a row of zeros below, half.
  Image half = resize(image, 2, 1);
  CHECK(half.at(0, 0) == Rgb{5, 30, 0});
  CHECK(half.at(1, 0) == Rgb{25, 30, 0});
  CHECK(resize(image, 3, 2).pixels == image.pixels);
  // Growing 0, 60 to four: centres at -0.25, 0.25, 0.75 and 1.25 of the old pixels.
  Image two(2, 1, Rgb{});
  two.set(1, 0, {60, 0, 0});
  Image four = resize(two, 4, 1);
  CHECK(four.at(0, 0).red == 0);
  CHECK(four.at(1, 0).red == 15);
  CHECK(four.at(2, 0).red == 45);
  CHECK(four.at(3, 0).red == 60);
  CHECK(resize(Image(480, 320, {7, 8, 9}), 64, 64).pixels == Image(64, 64, {7, 8, 9}).pixels);
  CHECK_THROWS_AS(resize(image, 0, 1), ValueError);
}
