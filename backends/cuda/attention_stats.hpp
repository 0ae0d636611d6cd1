#pragma once

#include <weft/core/tensor.hpp>

// What stands between cuDNN's attention and ours: it has the logsumexp as [batch, heads, Lq], wants lengths of both
// queries and keys, and says nothing of rows past them, which are 0 here.

namespace weft::cuda {

/// lengths [batch] within 0 .. most; all `most` where `own` is undefined.
void fill_lengths(const Tensor& own, int64_t most, Tensor& lengths);

/// Lengths as fill_lengths() gives them; undefined where there are none.
struct SdpaLengths {
  Tensor query, key;
};

/// logsumexp [batch, Lq, heads] from stats [batch, heads, Lq], both float32. Rows that attend to nothing become -inf,
/// and 0 in `out`.
void logsumexp_from_stats(const Tensor& stats, const SdpaLengths& lengths, Tensor& logsumexp, Tensor& out);

/// The way back; 0 where a row attends to nothing, for which cuDNN has no use.
void stats_from_logsumexp(const Tensor& logsumexp, Tensor& stats);

/// Rows [batch, length, heads, features] past the lengths become 0, as do all rows of a batch entry whose length in
/// `needed` is 0.
void clear_past_lengths(const Tensor& lengths, const Tensor& needed, Tensor& rows);

}  // namespace weft::cuda
