#pragma once

#include <weft/backends/cuda/attention_data.hpp>

// The parts of attention that attention.cu puts together; T = float, double, bfloat16 and float16.

namespace weft::cuda {

/// Whether the kernels for short sequences serve: at most a warp's lanes of queries and of columns, and not more heads
/// to a key head than shared memory has room for.
template <class T> bool attention_is_short(const AttentionData<T>& a) {
  return a.query_length <= warp_size && a.columns <= warp_size && a.group() <= 16 && !a.weights;
}

/// out [batch, Lq, heads, Dv], the logsumexp and, where they are asked for, the weights.
template <class T> void launch_attention_forward(const AttentionData<T>& a, T* out);
/// delta, which the gradients below need.
template <class T> void launch_attention_delta(const AttentionGradData<T>& g);
template <class T> void launch_attention_query_gradient(const AttentionGradData<T>& g);
/// Gradients of keys and values, and each batch entry's part of the null slot's.
template <class T> void launch_attention_key_gradient(const AttentionGradData<T>& g);
/// Of the bias [B or 1, heads or 1, Lq or 1, Lk or 1], contiguous.
template <class T> void launch_attention_bias_gradient(const AttentionGradData<T>& g, Tensor& d_bias);

/// The same for short sequences, without weights and their cotangent.
template <class T> void launch_short_attention_forward(const AttentionData<T>& a, T* out);
template <class T> void launch_short_attention_query_gradient(const AttentionGradData<T>& g);
template <class T> void launch_short_attention_key_gradient(const AttentionGradData<T>& g);

// How large the tiles are (attention_tile.hpp).

template <int R> struct TileRows {};
template <int R, int P> struct TileSize {};

inline int64_t tiles_of(int length, int tile) { return (length + tile - 1) / tile; }
/// Pieces of 32 P features; at least one.
inline int64_t pieces_of(int features, int P) { return features <= 0 ? 1 : (features + 32 * P - 1) / (32 * P); }

/// Calls f with the rows of a thread for so many queries or keys: tiles of 64, or of 32 for few and for float64.
template <class T, class F> void with_attention_rows(int length, F&& f) {
  if constexpr (sizeof(Computed<T>) == sizeof(float))
    if (length > 32) return f(TileRows<4>{});
  f(TileRows<2>{});
}

/// The same with the pairs of features of a thread, for vectors of up to 64 or 128 features at a time.
template <class T, class F> void with_attention_sizes(int length, int features, F&& f) {
  with_attention_rows<T>(length, [&]<int R>(TileRows<R>) {
    if (features <= 64) f(TileSize<R, 2>{});
    else f(TileSize<R, 4>{});
  });
}

}  // namespace weft::cuda
