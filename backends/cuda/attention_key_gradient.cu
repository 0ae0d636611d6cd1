#include <weft/backends/cuda/attention_kernels.hpp>
#include <weft/backends/cuda/attention_pairs.hpp>
#include <weft/backends/cuda/launch.hpp>

namespace weft::cuda {
namespace {

/// One block for each tile of keys of a key head, and each 32 P features of keys and of values; it goes over the
/// queries of all heads that use the keys. The null slot is one more tile.
template <class T, int R, int P> struct AttentionKeyGradient {
  using C = Computed<T>;
  using Work = TileWork<C, R>;
  static constexpr int tile = Work::tile;

  AttentionGradData<T> g;
  int key_tiles, pieces;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    if (g.is_idle()) return;
    const AttentionData<T>& a = g.call;
    const int64_t unit = thread.block() / pieces, heads = a.batch * a.kv_heads;
    const int from = static_cast<int>(thread.block() % pieces) * attention_slice * P;
    const int number = static_cast<int>(unit / heads);  // the first keys, which causal queries see most, come first
    const int64_t b = unit % heads / a.kv_heads;
    const int kv = static_cast<int>(unit % heads % a.kv_heads);
    const bool null_slot = number == key_tiles;
    const KeyTile<T> keys = null_slot ? null_tile(a, kv) : key_tile(a, b, kv, number * tile, tile);
    const Work work(thread);
    C d_keys[R][2 * P] = {}, d_values[R][2 * P] = {};
    const int group = a.heads / a.kv_heads;
    for (int h = kv * group; h < (kv + 1) * group; ++h) {
      const AttentionHead<T> head(a, b, h);
      int first = 0, end = head.query_end;
      if (!null_slot && !a.uniform) {  // queries that attend to nothing may spread over all keys
        first = head.first_query(keys.first);
        end = keys.first < head.key_end ? head.end_query(keys.first + keys.count) : 0;
      }
      for (int q = first / tile * tile; q < end; q += tile) {
        const QueryTile<T> queries(head, q, tile);
        PairGradients<T, R, true> pairs;
        if (!pairs.compute(work, g, queries, keys, true)) continue;
        work.set_weights(pairs.weights);
        work.combine(pairs.weights, queries.rows(g.d_out, a.value_dim), from, d_values);
        work.set_weights(pairs.d_logits);
        work.combine(pairs.d_logits, queries.rows(a.query, a.head_dim), from, d_keys);
      }
    }
    C ones[R];
    WEFT_UNROLL for (int r = 0; r < R; ++r) ones[r] = 1;
    if (null_slot) {
      C* to = g.d_null + (b * a.kv_heads + kv) * (a.head_dim + a.value_dim);
      work.write(d_keys, ones, to, 0, 1, from, a.head_dim);
      work.write(d_values, ones, to + a.head_dim, 0, 1, from, a.value_dim);
      return;
    }
    const int64_t first = b * a.key_length + keys.first;
    if (g.d_key)
      work.write(d_keys, ones, g.d_key + (first * a.kv_heads + kv) * a.head_dim, int64_t{1} * a.kv_heads * a.head_dim,
                 keys.count, from, a.head_dim);
    if (g.d_value)
      work.write(d_values, ones, g.d_value + (first * a.kv_heads + kv) * a.value_dim,
                 int64_t{1} * a.kv_heads * a.value_dim, keys.count, from, a.value_dim);
  }
};

}  // namespace

template <class T> void launch_attention_key_gradient(const AttentionGradData<T>& g) {
  const AttentionData<T>& a = g.call;
  const int features = std::max(a.head_dim, a.value_dim);
  with_attention_sizes<T>(a.key_length, features, [&]<int R, int P>(TileSize<R, P>) {
    using Work = TileWork<Computed<T>, R>;
    const int64_t key_tiles = tiles_of(a.key_length, Work::tile), tiles = key_tiles + (g.d_null ? 1 : 0);
    const int64_t pieces = pieces_of(features, P);
    launch_blocks(AttentionKeyGradient<T, R, P>{g, static_cast<int>(key_tiles), static_cast<int>(pieces)},
                  a.batch * a.kv_heads * tiles * pieces, attention_threads, Work::shared_bytes());
  });
}

template void launch_attention_key_gradient(const AttentionGradData<float>&);
template void launch_attention_key_gradient(const AttentionGradData<double>&);
template void launch_attention_key_gradient(const AttentionGradData<bfloat16>&);
template void launch_attention_key_gradient(const AttentionGradData<float16>&);

}  // namespace weft::cuda
