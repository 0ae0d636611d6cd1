#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/examples/common/files.hpp>
#include <weft/examples/common/png.hpp>
#include <weft/tests/support/full_disk.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using namespace weft::examples;
using test::FullDisk, test::TemporaryFolder;

namespace {

Image pattern(int64_t width, int64_t height) {
  Image image(width, height);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      image.set(x, y, {static_cast<uint8_t>(17 * x), static_cast<uint8_t>(29 * y), static_cast<uint8_t>(x * y + 3)});
  return image;
}

void append_u32(std::string& bytes, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255);
}

/// The checksum of PNG chunks, bit by bit.
uint32_t checksum(std::string_view bytes) {
  uint32_t sum = ~0u;
  for (char byte : bytes) {
    sum ^= static_cast<uint8_t>(byte);
    for (int i = 0; i < 8; ++i) sum = sum & 1 ? sum >> 1 ^ 0xEDB88320u : sum >> 1;
  }
  return ~sum;
}

}  // namespace

TEST_CASE("a PNG comes back as it was written") {
  TemporaryFolder folder;
  Image image = pattern(13, 7);
  write_png(folder / "deep/er/a.png", image);
  Image back = read_png(folder / "deep/er/a.png");
  CHECK(back.width == 13);
  CHECK(back.height == 7);
  CHECK(back.pixels == image.pixels);
}

TEST_CASE("a PNG cut anywhere is an error that names the file") {
  std::string bytes = encode_png(pattern(13, 7));
  REQUIRE_NOTHROW(decode_png(bytes, "whole.png"));
  // Behind the pixel data come the checksum of IDAT and the empty IEND chunk, 16 bytes that hold no pixel.
  for (size_t length = 0; length < bytes.size() - 16; ++length) {
    INFO("cut to " << length << " of " << bytes.size());
    CHECK_THROWS_AS(decode_png(std::string_view(bytes).substr(0, length), "cut.png"), FormatError);
  }
  CHECK_THROWS_WITH(decode_png("no picture at all", "text.png"),
                    Catch::StartsWith("text.png: not a whole PNG picture: "));
}

TEST_CASE("a PNG with flipped bits is an error, or the picture it was") {
  std::string bytes = encode_png(pattern(13, 7));
  std::vector<uint8_t> pixels = pattern(13, 7).pixels;
  int refused = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    try {
      bool same = decode_png(damaged, "damaged.png").pixels == pixels;
      INFO("byte " << i);
      CHECK(same);
    } catch (const FormatError&) { ++refused; }
  }
  CHECK(refused > static_cast<int>(bytes.size()) / 2);
}

TEST_CASE("a PNG that claims to be huge is refused before memory is asked for") {
  std::string bytes = encode_png(pattern(3, 3)), header = "IHDR";
  append_u32(header, 900'000);
  append_u32(header, 900'000);
  header += bytes.substr(24, 5);
  bytes.replace(12, header.size(), header);
  std::string sum;
  append_u32(sum, checksum(header));
  bytes.replace(29, 4, sum);
  CHECK_THROWS_WITH(decode_png(bytes, "huge.png"), "huge.png: expected at most 100000000 pixels, got 900000 x 900000");
}

TEST_CASE("a missing PNG is a file error") {
  CHECK_THROWS_AS(read_png("/nowhere/at/all.png"), FileError);
  CHECK_THROWS_WITH(read_png("/nowhere/at/all.png"), Catch::Contains("/nowhere/at/all.png"));
}

TEST_CASE("a full disk leaves the older file whole") {
  TemporaryFolder folder;
  replace_file(folder / "metrics.json", "old");
  std::string error;
  try {
    FullDisk disk(4096);
    replace_file(folder / "metrics.json", std::string(100'000, 'x'));
  } catch (const FileError& failed) { error = failed.what(); }
  CHECK(error.find("metrics.json") != std::string::npos);
  CHECK(test::read_text(folder / "metrics.json") == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("drawing keeps within the picture") {
  Image image = pattern(5, 3), big = upscale(image, 3);
  CHECK(big.width == 15);
  CHECK(big.at(14, 8) == image.at(4, 2));
  CHECK(big.at(2, 2) == image.at(0, 0));

  std::vector<float> heat{0, 0, 0, 1};
  Image warm = overlay_heat(Image(8, 8), heat, 2, 2);
  CHECK(warm.at(7, 7).red > warm.at(0, 0).red);
  CHECK(overlay_heat(image, std::vector<float>{0, 0, 0, 0}, 2, 2).pixels == image.pixels);

  std::vector<uint8_t> mask{0, 0, 0, 0, 1, 0, 0, 0, 0};
  Image outlined(9, 9);
  draw_mask_outline(outlined, mask, 3, 3, {255, 0, 0});
  CHECK(outlined.at(3, 3) == Rgb{255, 0, 0});
  CHECK(outlined.at(4, 4) == Rgb{255, 255, 255});
  CHECK(outlined.at(2, 2) == Rgb{255, 255, 255});

  Image text(4, 4);
  draw_text(text, -3, -2, "wide text", {0, 0, 0}, 2);
  draw_box(text, 2, 2, 9, 9, {1, 2, 3});
  CHECK(text.at(2, 2) == Rgb{1, 2, 3});
  std::vector<Panel> panels(3, Panel{image, "caption"});
  CHECK(contact_sheet(panels, 2).width > contact_sheet(panels, 1).width);
}

TEST_CASE("base64 is that of RFC 4648") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xff\xfe\xfd") == "//79");
}
