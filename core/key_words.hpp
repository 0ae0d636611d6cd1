#pragma once

#include <weft/core/random.hpp>

namespace weft {

/// The int32[4] as which ops take the key of a draw: the low and the high half of the key, the stream, the counter.
WEFT_HOST_DEVICE inline std::array<int32_t, 4> key_words(const RandomKey& key) {
  return {static_cast<int32_t>(static_cast<uint32_t>(key.key)),
          static_cast<int32_t>(static_cast<uint32_t>(key.key >> 32)), static_cast<int32_t>(key.stream),
          static_cast<int32_t>(key.counter)};
}

/// The key of four such words.
WEFT_HOST_DEVICE inline RandomKey key_from_words(const int32_t* words) {
  auto word = [words](int i) { return static_cast<uint32_t>(words[i]); };
  return {uint64_t{word(1)} << 32 | word(0), word(2), word(3)};
}

}  // namespace weft
