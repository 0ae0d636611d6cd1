#pragma once

#include <cstdint>

#include <weft/core/random.hpp>

namespace weft::cpu {

struct RandomKernels {
  /// The words of `blocks` Philox blocks from `first` on, four each, as random_block() of core/random.hpp gives them.
  void (*words)(const RandomKey& key, uint64_t first, int64_t blocks, uint32_t* out);
};

}  // namespace weft::cpu
