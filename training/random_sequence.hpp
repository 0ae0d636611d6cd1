#pragma once

#include <cstdint>

#include <weft/core/error.hpp>
#include <weft/core/random.hpp>

namespace weft {

/// Random numbers one after another from one key, for code on the host such as shuffling and augmentation. The same
/// key gives the same numbers everywhere.
class RandomSequence {
 public:
  explicit RandomSequence(RandomKey key) : key_(key) {}

  uint32_t bits() {
    if (index_ % 4 == 0) words_ = random_block(key_, index_ / 4);
    return words_[index_++ % 4];
  }
  /// In [0, 1), a multiple of 2^-24.
  float uniform() { return uniform_from_bits(bits()); }
  float uniform(float low, float high) { return low + (high - low) * uniform(); }
  /// True with that probability.
  bool chance(double probability) { return static_cast<double>(uniform()) < probability; }
  /// In [0, count), from 64 bits; throws ValueError when count < 1.
  int64_t below(int64_t count) {
    if (count < 1) throw ValueError("RandomSequence.below: expected a count of at least 1");
    uint64_t high = bits(), low = bits();
    return static_cast<int64_t>(static_cast<unsigned __int128>(high << 32 | low) * static_cast<uint64_t>(count) >> 64);
  }
  /// What the sequence is drawn from, for tensor ops that take a key; use another `stream` or `counter` than its own.
  const RandomKey& key() const { return key_; }

 private:
  RandomKey key_;
  uint64_t index_ = 0;
  std::array<uint32_t, 4> words_{};
};

}  // namespace weft
