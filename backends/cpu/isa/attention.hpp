#pragma once

#include <cstdint>

#include <weft/core/attention_args.hpp>

namespace weft::cpu {

/// Queries that share one pass over the keys; one bit each in the masks.
constexpr int64_t attention_queries = 64;
/// Keys per block, forward (at most 128) and backward: the scores of a block stay in the first-level cache. Up to that
/// many keys, forward is an exact softmax in one pass.
template <class T> constexpr int64_t attention_forward_keys = sizeof(T) == 4 ? 128 : 64;
template <class T> constexpr int64_t attention_backward_keys = 64;

/// Keys [first, last) of one batch entry and one key head, with every query that uses them.
struct AttentionKeys {
  int64_t batch = 0, kv_head = 0, first = 0, last = 0;
  bool null_slot = false;  // and the null slot
};

/// Keys and values of one head of a call, the rows [begin, end), which a thread has copied into its scratch memory
/// without gaps: the blocks of queries that it does next read them there.
struct PackedKeys {
  uint64_t call = 0;  ///< each call has a number of its own
  int64_t batch = 0, kv_head = 0, begin = 0, end = 0;
};

/// Attention's kernels, T = float or double. `scratch` is aligned to 64 bytes and belongs to the call alone.
template <class T> struct AttentionTypeKernels {
  /// Elements of scratch that each of the others needs at most.
  int64_t (*scratch)(const AttentionArgs<T>& args);
  /// The queries [64 * block, ...) of one head. `packed` says what the thread's scratch holds; another call's number in
  /// it: nothing.
  void (*forward)(const AttentionArgs<T>& args, int64_t batch, int64_t head, int64_t block, uint64_t call,
                  PackedKeys& packed, T* scratch);
  /// Gradients of these keys and values, and of their queries in so far as it comes from these keys: d_query
  /// [batch, Lq, heads, D] is overwritten. d_null is [D + Dv] of this batch entry and key head, overwritten.
  void (*backward)(const AttentionGradArgs<T>& args, const AttentionKeys& keys, const HeadRows<T*>& d_query, T* d_null,
                   T* scratch);
  /// Part `part` of attention_bias_parts of the bias's gradient.
  void (*bias_backward)(const AttentionGradArgs<T>& args, int64_t part, T* scratch);
};

struct AttentionKernels {
  AttentionTypeKernels<float> f32;
  AttentionTypeKernels<double> f64;
  template <class T> const AttentionTypeKernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float)) return f32;
    else return f64;
  }
};

/// How many blocks of queries there are.
template <class T> int64_t attention_blocks(const AttentionArgs<T>& args) {
  return (args.query_length + attention_queries - 1) / attention_queries;
}

/// The bias's gradient is computed in this many parts; each owns its elements and sums over the axes that the bias
/// lacks.
template <class T> int64_t attention_bias_parts(const AttentionGradArgs<T>& args) {
  const HeadGrid<T*>& d_bias = args.d_bias;
  return (d_bias.batch == 0 ? 1 : args.call.batch) * (d_bias.head == 0 ? 1 : args.call.heads) *
         (d_bias.query == 0 ? 1 : attention_blocks(args.call));
}

}  // namespace weft::cpu
