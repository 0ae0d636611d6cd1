#pragma once

#include <weft/core/attention_args.hpp>

namespace weft {

/// Attention in plain loops, one query at a time, with its weights written out; for T = float and double.
template <class T> void reference_attention_forward(const AttentionArgs<T>& args);
/// Its gradient; computes the weights anew and does not read `out` and `logsumexp`.
template <class T> void reference_attention_backward(const AttentionGradArgs<T>& args);

}  // namespace weft
