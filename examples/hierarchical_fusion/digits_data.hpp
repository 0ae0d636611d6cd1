#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <weft/core/tensor.hpp>
#include <weft/examples/common/image.hpp>
#include <weft/training/random_sequence.hpp>

namespace weft::examples::hierarchy {

constexpr int64_t digit_extent = 8, digit_classes = 10;

struct Digit {
  std::vector<uint8_t> pixels;  ///< [8, 8], 0 to 16
  int32_t label = 0;            ///< 0 to 9
};

/// The first half trains, the second tests: 898 and 899 of scikit-learn's 1,797.
struct DigitSet {
  std::string name;
  std::vector<Digit> train, test;
};

/// Whether `folder` holds digits.csv.
bool has_digits(const std::filesystem::path& folder);

/// Reads digits.csv, which fetch_data.sh gets: on each line 64 numbers of 0 to 16 in row-major order and the digit.
/// Throws FileError, or FormatError naming file, line and what was expected.
DigitSet load_digits(const std::filesystem::path& folder);

/// The first half of the digits and the rest.
DigitSet split_digits(std::string name, std::vector<Digit> digits);

/// Digits of the same kind, drawn on the spot: a 5 x 7 numeral, stretched, sheared and shifted on a 32 x 32 bitmap with
/// flecks, of which each 4 x 4 block is counted, as was done for the real ones. A digit depends on (seed, its number).
DigitSet made_digits(uint64_t seed, int64_t count);

struct DigitBatch {
  Tensor pictures;  ///< float32 [B, 8, 8, 1] in [-1, 1]
  Tensor labels;    ///< int32 [B]
};
template <class F> void for_each_tensor(DigitBatch& batch, F&& f) {
  f(batch.pictures);
  f(batch.labels);
}

/// Digits as a dataset for DataLoader; each is moved by up to `shift` pixels along both axes. Must not outlive
/// `digits`.
class DigitSamples {
 public:
  explicit DigitSamples(const std::vector<Digit>& digits, int64_t shift = 0) : digits_(&digits), shift_(shift) {}
  int64_t size() const { return static_cast<int64_t>(digits_->size()); }
  Digit get(int64_t index, RandomSequence& random) const;

 private:
  const std::vector<Digit>* digits_;
  int64_t shift_;
};

/// `pixels` moved right and down, zeros coming in.
std::vector<uint8_t> shifted(const std::vector<uint8_t>& pixels, int64_t right, int64_t down);

DigitBatch collate(const std::vector<Digit>& digits);

/// Dark on light, for reports.
Image picture_of(const Digit& digit);

}  // namespace weft::examples::hierarchy
