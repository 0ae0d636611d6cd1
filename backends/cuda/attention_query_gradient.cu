#include <weft/backends/cuda/attention_kernels.hpp>
#include <weft/backends/cuda/attention_pairs.hpp>
#include <weft/backends/cuda/launch.hpp>
#include <weft/backends/cuda/reduce_block.hpp>

namespace weft::cuda {
namespace {

/// delta of one row: a warp each.
template <class T> struct AttentionDelta {
  using C = Computed<T>;
  AttentionGradData<T> g;
  int64_t rows;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    if (g.is_idle()) return;
    const AttentionData<T>& a = g.call;
    const int64_t slot = thread.global_index() / warp_size;
    C sum = 0;
    if (slot < rows) {
      const int h = static_cast<int>(slot % a.heads), q = static_cast<int>(slot / a.heads % a.query_length);
      const int64_t b = slot / a.heads / a.query_length;
      const T *d_out = g.d_out.at(b, q, h), *out = a.out.at(b, q, h);
      for (int d = thread.lane(); d < a.value_dim; d += warp_size)
        sum += static_cast<C>(d_out[d]) * static_cast<C>(out[d]);
      if (g.d_weights)
        for (int64_t at = a.weight_row(b, h, q), end = at + a.columns, i = at + thread.lane(); i < end; i += warp_size)
          sum += static_cast<C>(a.weights[i]) * static_cast<C>(g.d_weights[i]);
    }
    for (int mask = warp_size / 2; mask > 0; mask /= 2) sum += thread.shuffle_xor(sum, mask);
    if (slot < rows && thread.lane() == 0) g.delta[slot] = sum - g.d_logsumexp[slot];
  }
};

/// One block for each tile of queries of a head, and each 32 P features.
template <class T, int R, int P> struct AttentionQueryGradient {
  using C = Computed<T>;
  using Work = TileWork<C, R>;
  static constexpr int tile = Work::tile;

  AttentionGradData<T> g;
  int tiles, pieces;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    if (g.is_idle()) return;
    const AttentionData<T>& a = g.call;
    const int64_t unit = thread.block() / pieces, heads = a.batch * a.heads;
    const int from = static_cast<int>(thread.block() % pieces) * attention_slice * P;
    const int first = (tiles - 1 - static_cast<int>(unit / heads)) * tile;  // as forward
    const AttentionHead<T> head(a, unit % heads / a.heads, static_cast<int>(unit % heads % a.heads));
    const QueryTile<T> queries(head, first, tile);
    const Work work(thread);
    C sums[R][2 * P] = {};
    const int last = first + queries.count < head.query_end ? first + queries.count : head.query_end;
    if (last > first) {
      const int end = head.end_key(last - 1);
      for (int k = head.first_key(first) / tile * tile; k < end; k += tile)
        add_keys(work, queries, key_tile(a, head.b, head.kv, k, tile), from, sums);
      if (a.null_key) add_keys(work, queries, null_tile(a, head.kv), from, sums);
    }
    C ones[R];
    WEFT_UNROLL for (int r = 0; r < R; ++r) ones[r] = 1;
    const int64_t row = int64_t{1} * a.heads * a.head_dim;
    work.write(sums, ones, g.d_query + (head.b * a.query_length + first) * row + head.h * a.head_dim, row,
               queries.count, from, a.head_dim);
  }

  WEFT_DEVICE void add_keys(const Work& work, const QueryTile<T>& queries, const KeyTile<T>& keys, int from,
                            C (&sums)[R][2 * P]) const {
    PairGradients<T, R, false> pairs;
    if (!pairs.compute(work, g, queries, keys, true)) return;
    work.set_weights(pairs.d_logits);
    work.combine(pairs.d_logits, keys.key, from, sums);
  }
};

}  // namespace

template <class T> void launch_attention_delta(const AttentionGradData<T>& g) {
  const int64_t rows = g.call.batch * g.call.query_length * g.call.heads, warps = usual_threads / warp_size;
  launch_blocks(AttentionDelta<T>{g, rows}, (rows + warps - 1) / warps, usual_threads, 0);
}

template <class T> void launch_attention_query_gradient(const AttentionGradData<T>& g) {
  const AttentionData<T>& a = g.call;
  with_attention_sizes<T>(a.query_length, a.head_dim, [&]<int R, int P>(TileSize<R, P>) {
    using Work = TileWork<Computed<T>, R>;
    const int64_t tiles = tiles_of(a.query_length, Work::tile), pieces = pieces_of(a.head_dim, P);
    launch_blocks(AttentionQueryGradient<T, R, P>{g, static_cast<int>(tiles), static_cast<int>(pieces)},
                  a.batch * a.heads * tiles * pieces, attention_threads, Work::shared_bytes());
  });
}

template void launch_attention_delta(const AttentionGradData<float>&);
template void launch_attention_delta(const AttentionGradData<double>&);
template void launch_attention_delta(const AttentionGradData<bfloat16>&);
template void launch_attention_delta(const AttentionGradData<float16>&);
template void launch_attention_query_gradient(const AttentionGradData<float>&);
template void launch_attention_query_gradient(const AttentionGradData<double>&);
template void launch_attention_query_gradient(const AttentionGradData<bfloat16>&);
template void launch_attention_query_gradient(const AttentionGradData<float16>&);

}  // namespace weft::cuda
