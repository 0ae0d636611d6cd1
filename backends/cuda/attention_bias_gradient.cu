#include <weft/backends/cuda/attention_kernels.hpp>
#include <weft/backends/cuda/attention_pairs.hpp>
#include <weft/backends/cuda/launch.hpp>

namespace weft::cuda {
namespace {

/// The gradients of all pairs, one block for each tile of the bias: along an axis that the bias lacks, it goes over all
/// batch entries, heads, queries or keys, one after the other.
template <class T, int R> struct AttentionBiasGradient {
  using C = Computed<T>;
  using Work = TileWork<C, R>;
  static constexpr int tile = Work::tile;

  AttentionGradData<T> g;
  T* d_bias;
  bool has_batch, has_heads, has_queries, has_keys;  ///< axes of the bias
  int bias_heads, query_tiles, key_tiles;            ///< blocks along those axes, 1 where there is none

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const AttentionData<T>& a = g.call;
    int64_t unit = thread.block();
    const int key_place = static_cast<int>(unit % key_tiles) * tile;
    unit /= key_tiles;
    const int query_place = static_cast<int>(unit % query_tiles) * tile;
    unit /= query_tiles;
    const int head_place = static_cast<int>(unit % bias_heads);
    const int64_t batch_place = unit / bias_heads;

    const Work work(thread);
    C sums[R][R] = {};
    for (int64_t b = has_batch ? batch_place : 0; b < (has_batch ? batch_place + 1 : a.batch); ++b)
      for (int h = has_heads ? head_place : 0; h < (has_heads ? head_place + 1 : a.heads); ++h) {
        const AttentionHead<T> head(a, b, h);
        const int first = has_queries ? query_place : 0, past = first + tile;
        const int end = has_queries && past < head.query_end ? past : head.query_end;
        for (int q = first; q < end; q += tile) add_queries(work, QueryTile<T>(head, q, tile), key_place, sums);
      }
    write(thread, work, sums, batch_place * bias_heads + head_place, query_place, key_place);
  }

  WEFT_DEVICE void add_queries(const Work& work, const QueryTile<T>& queries, int key_place, C (&sums)[R][R]) const {
    const AttentionData<T>& a = g.call;
    const AttentionHead<T>& head = queries.head;
    const int last = queries.first + queries.count < head.query_end ? queries.first + queries.count : head.query_end;
    const int seen_from = head.first_key(queries.first), seen_to = head.end_key(last - 1);
    const int begin = has_keys ? key_place : 0, past = key_place + tile;
    const int end = has_keys && past < a.key_length ? past : a.key_length;
    for (int k = begin; k < end; k += tile) {
      if (k >= seen_to || k + tile <= seen_from) continue;
      PairGradients<T, R, false> pairs;
      pairs.compute(work, g, queries, key_tile(a, head.b, head.kv, k, tile), false);
      WEFT_UNROLL for (int r = 0; r < R; ++r) WEFT_UNROLL for (int c = 0; c < R; ++c) sums[r][c] +=
          pairs.d_logits[r][c];
    }
  }

  /// Sums the tile along the axes that the bias lacks, in order.
  WEFT_DEVICE void write(const Thread& thread, const Work& work, const C (&sums)[R][R], int64_t head_number,
                         int query_place, int key_place) const {
    const AttentionData<T>& a = g.call;
    work.set_weights(sums);
    thread.sync();
    auto weights = work.weights();
    const int i = thread.index(), columns = Work::weight_columns;
    if (!has_keys) {
      C sum = 0;
      if (i < tile)
        for (int c = 0; c < tile; ++c) sum += weights[i * columns + c];
      thread.sync();
      if (i < tile) weights[i * columns] = sum;
      thread.sync();
    }
    if (!has_queries) {
      C sum = 0;
      if (i < (has_keys ? tile : 1))
        for (int r = 0; r < tile; ++r) sum += weights[r * columns + i];
      thread.sync();
      if (i < (has_keys ? tile : 1)) weights[i] = sum;
      thread.sync();
    }
    const int queries = has_queries ? a.query_length : 1, keys = has_keys ? a.key_length : 1;
    for (int pair = i; pair < tile * tile; pair += attention_threads) {
      const int r = pair / tile, c = pair % tile, q = query_place + r, k = key_place + c;
      if (q < queries && k < keys)
        d_bias[(head_number * queries + q) * keys + k] = static_cast<T>(static_cast<C>(weights[r * columns + c]));
    }
  }
};

}  // namespace

template <class T> void launch_attention_bias_gradient(const AttentionGradData<T>& g, Tensor& d_bias) {
  const AttentionData<T>& a = g.call;
  const Shape& shape = d_bias.shape();
  with_attention_rows<T>(std::max(a.query_length, a.key_length), [&]<int R>(TileRows<R>) {
    using Work = TileWork<Computed<T>, R>;
    AttentionBiasGradient<T, R> kernel{g, d_bias.mutable_raw_as<T>(), false, false, false, false, 1, 1, 1};
    // An axis that is empty counts as one that the bias has.
    kernel.has_batch = shape[0] != 1;
    kernel.has_heads = shape[1] != 1;
    kernel.has_queries = shape[2] != 1;
    kernel.has_keys = shape[3] != 1;
    kernel.bias_heads = static_cast<int>(shape[1]);
    kernel.query_tiles = static_cast<int>(tiles_of(static_cast<int>(shape[2]), Work::tile));
    kernel.key_tiles = static_cast<int>(tiles_of(static_cast<int>(shape[3]), Work::tile));
    if (d_bias.elements() > 0)
      launch_blocks(kernel, shape[0] * shape[1] * kernel.query_tiles * kernel.key_tiles, attention_threads,
                    Work::shared_bytes());
  });
}

template void launch_attention_bias_gradient(const AttentionGradData<float>&, Tensor&);
template void launch_attention_bias_gradient(const AttentionGradData<double>&, Tensor&);
template void launch_attention_bias_gradient(const AttentionGradData<bfloat16>&, Tensor&);
template void launch_attention_bias_gradient(const AttentionGradData<float16>&, Tensor&);

}  // namespace weft::cuda
