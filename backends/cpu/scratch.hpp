#pragma once

#include <cstdint>

namespace weft::cpu {

/// What a thread's scratch memory is for; each purpose has memory of its own, so that they may be in use together.
enum class ScratchUse {
  attention,
  attention_nulls,
  attention_pieces,
  gemm_packed,
  gemm_partial,
  gemm_row,
  batch_norm_factors,
  batch_norm_sums,
  conv_columns,
  conv_lines,
  conv_packed,
  conv_phases,
  conv_runs,
  conv_result,
  conv_partial,
  conv_taps,
  pool_taps,
  reduce,
  reduce_stages,
  elementwise_slots,
  count
};

/// At least `bytes` of this thread's memory for that purpose, aligned to 64 bytes and kept for the next call; its
/// content is undefined. Valid until the next call with the same purpose on this thread. Throws MemoryError.
void* scratch_bytes(ScratchUse use, int64_t bytes);

template <class T> T* scratch(ScratchUse use, int64_t elements) {
  return static_cast<T*>(scratch_bytes(use, elements * static_cast<int64_t>(sizeof(T))));
}

}  // namespace weft::cpu
