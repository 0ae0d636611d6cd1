#pragma once

#include <string_view>

#include <weft/core/random.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

namespace op {

/// The key of a random stream's next draw as the int32[4] that random ops take: inputs key and count, int64 [].
struct StreamKey {
  static constexpr std::string_view name = "stream_key";
  uint32_t stream = 0;
  bool operator==(const StreamKey&) const = default;
};

}  // namespace op

/// The key of draw number `count` of a stream. 2^32 draws fit into the counter; those beyond move on to a key of their
/// own.
WEFT_HOST_DEVICE inline RandomKey stream_draw(uint64_t key, uint32_t stream, uint64_t count) {
  const uint64_t high = count >> 32;
  return {high ? fold_in(key, high) : key, stream, static_cast<uint32_t>(count)};
}

/// The same of tensors: key and count int64 [], result int32 [4].
Tensor stream_key(const Tensor& key, const Tensor& count, uint32_t stream);

/// Defines the primitive of this file.
void define_stream_key();

}  // namespace weft
