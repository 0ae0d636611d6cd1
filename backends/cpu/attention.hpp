#pragma once

#include <weft/core/attention_args.hpp>

namespace weft::cpu {

/// Attention on several threads, for T = float and double, in memory linear in the lengths; the same bits at any number
/// of threads. Throws MemoryError for scratch memory.
template <class T> void attention_forward(const AttentionArgs<T>& args);
/// Its gradient, from the forward call's `out` and `logsumexp`.
template <class T> void attention_backward(const AttentionGradArgs<T>& args);

}  // namespace weft::cpu
