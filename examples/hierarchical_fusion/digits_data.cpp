#include <weft/examples/hierarchical_fusion/digits_data.hpp>

#include <algorithm>
#include <charconv>
#include <string_view>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>

namespace weft::examples::hierarchy {
namespace {

constexpr int64_t digit_area = digit_extent * digit_extent, bitmap_extent = 32;

/// The numbers of one line; `where` starts the text of errors.
Digit parse_line(std::string_view line, const std::string& where) {
  Digit digit;
  const char *at = line.data(), *end = line.data() + line.size();
  for (int64_t column = 0; column <= digit_area; ++column) {
    std::string place = where + " column " + std::to_string(column + 1) + ": ";
    int value = 0;
    auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc())
      throw FormatError(place + "expected a number, got '" + std::string(at, std::find(at, end, ',')) + "'");
    int most = column < digit_area ? 16 : 9;
    if (value < 0 || value > most)
      throw FormatError(place + "expected 0 to " + std::to_string(most) + ", got " + std::to_string(value));
    bool last = column == digit_area;
    if (last ? next != end : next == end || *next != ',')
      throw FormatError(place + (last ? "expected the end of the line" : "expected a comma") + ", got '" +
                        std::string(next, std::min(next + 8, end)) + "'");
    if (last) digit.label = value;
    else digit.pixels.push_back(static_cast<uint8_t>(value));
    at = next + (last ? 0 : 1);
  }
  return digit;
}

/// Whether the numeral's ink covers a point of the bitmap, in 16ths of its 5 x 7 cells.
struct Numeral {
  Image letter;
  bool ink(int64_t x, int64_t y) const {
    if (x < 0 || y < 0 || x >= 5 * 16 || y >= 7 * 16) return false;
    return letter.at(x / 16, y / 16).red == 0;
  }
};

Digit draw_digit(uint64_t seed, int64_t index) {
  RandomSequence random({.key = fold_in(seed, static_cast<uint64_t>(index)), .stream = 0x646967u});
  auto between = [&](int64_t low, int64_t high) { return low + random.below(high - low + 1); };
  Digit digit;
  digit.label = static_cast<int32_t>(between(0, digit_classes - 1));
  Numeral numeral{Image(6, 8)};
  draw_text(numeral.letter, 0, 0, std::to_string(digit.label), {0, 0, 0});
  int64_t width = between(18, 24), height = between(26, 31), shear = between(-6, 6);
  int64_t left = (bitmap_extent - width) / 2 + between(-2, 2), top = (bitmap_extent - height) / 2 + between(-1, 1);
  std::vector<uint8_t> counts(digit_area, 0);
  for (int64_t y = 0; y < bitmap_extent; ++y)
    for (int64_t x = 0; x < bitmap_extent; ++x) {
      int64_t column = x - left - (bitmap_extent / 2 - y) * shear / 16, row = y - top;
      bool ink = column >= 0 && row >= 0 && numeral.ink(column * 5 * 16 / width, row * 7 * 16 / height);
      if (random.below(40) == 0) ink = !ink;
      counts[static_cast<size_t>(y / 4 * digit_extent + x / 4)] += ink;
    }
  digit.pixels = std::move(counts);
  return digit;
}

}  // namespace

bool has_digits(const std::filesystem::path& folder) { return std::filesystem::is_regular_file(folder / "digits.csv"); }

DigitSet load_digits(const std::filesystem::path& folder) {
  std::filesystem::path path = folder / "digits.csv";
  std::string text = read_file(path.string());
  std::vector<Digit> digits;
  int64_t number = 0;
  for (size_t start = 0; start < text.size();) {
    size_t stop = std::min(text.find('\n', start), text.size());
    std::string_view line(text.data() + start, stop - start);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    digits.push_back(parse_line(line, path.string() + " line " + std::to_string(++number)));
    start = stop + 1;
  }
  if (digits.size() < 2)
    throw FormatError(path.string() + ": expected at least 2 lines, got " + std::to_string(digits.size()));
  return split_digits("scikit-learn digits", std::move(digits));
}

DigitSet split_digits(std::string name, std::vector<Digit> digits) {
  auto half = digits.begin() + static_cast<int64_t>(digits.size() / 2);
  return {std::move(name), std::vector<Digit>(digits.begin(), half), std::vector<Digit>(half, digits.end())};
}

DigitSet made_digits(uint64_t seed, int64_t count) {
  std::vector<Digit> digits;
  for (int64_t i = 0; i < count; ++i) digits.push_back(draw_digit(seed, i));
  return split_digits("made digits", std::move(digits));
}

std::vector<uint8_t> shifted(const std::vector<uint8_t>& pixels, int64_t right, int64_t down) {
  std::vector<uint8_t> moved(pixels.size(), 0);
  for (int64_t y = 0; y < digit_extent; ++y)
    for (int64_t x = 0; x < digit_extent; ++x) {
      int64_t from_x = x - right, from_y = y - down;
      if (from_x < 0 || from_y < 0 || from_x >= digit_extent || from_y >= digit_extent) continue;
      moved[static_cast<size_t>(y * digit_extent + x)] = pixels[static_cast<size_t>(from_y * digit_extent + from_x)];
    }
  return moved;
}

Digit DigitSamples::get(int64_t index, RandomSequence& random) const {
  Digit digit = (*digits_)[static_cast<size_t>(index)];
  if (shift_ == 0) return digit;
  int64_t right = random.below(2 * shift_ + 1) - shift_, down = random.below(2 * shift_ + 1) - shift_;
  digit.pixels = shifted(digit.pixels, right, down);
  return digit;
}

DigitBatch collate(const std::vector<Digit>& digits) {
  auto count = static_cast<int64_t>(digits.size());
  DigitBatch batch{Tensor::empty({count, digit_extent, digit_extent, 1}, DType::float32, Device()),
                   Tensor::empty({count}, DType::int32, Device())};
  auto* pixels = batch.pictures.mutable_data<float>();
  auto* labels = batch.labels.mutable_data<int32_t>();
  for (const Digit& digit : digits) {
    for (uint8_t value : digit.pixels) *pixels++ = static_cast<float>(value) / 8.0f - 1.0f;
    *labels++ = digit.label;
  }
  return batch;
}

Image picture_of(const Digit& digit) {
  Image image(digit_extent, digit_extent);
  for (int64_t y = 0; y < digit_extent; ++y)
    for (int64_t x = 0; x < digit_extent; ++x) {
      auto ink = static_cast<uint8_t>(255 - digit.pixels[static_cast<size_t>(y * digit_extent + x)] * 255 / 16);
      image.set(x, y, {ink, ink, ink});
    }
  return image;
}

}  // namespace weft::examples::hierarchy
