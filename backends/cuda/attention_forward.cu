#include <weft/backends/cuda/attention_kernels.hpp>
#include <weft/backends/cuda/attention_tile.hpp>
#include <weft/backends/cuda/launch.hpp>
#include <weft/backends/cuda/reduce_block.hpp>

// A softmax that goes over the keys once, tile by tile, and scales what it has when a larger logit comes (Dao et al.,
// "FlashAttention", 2022). Nothing is stored that grows with Lq * Lk.

namespace weft::cuda {
namespace {

using std::exp, std::log;

/// One block for each tile of queries of a head, and each 32 P features of the values.
template <class T, int R, int P> struct AttentionForward {
  using C = Computed<T>;
  using Work = TileWork<C, R>;
  static constexpr int tile = Work::tile;

  AttentionData<T> a;
  T* out;
  int tiles, pieces;

  struct State {
    C sums[R][2 * P] = {};
    RowValues<C, R> largest, total = {};  ///< the total of this thread's columns only
  };

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const int64_t unit = thread.block() / pieces, heads = a.batch * a.heads;
    const int piece = static_cast<int>(thread.block() % pieces);
    // Under a causal mask the last queries see most: they come first, so that the last blocks are short.
    const int first = (tiles - 1 - static_cast<int>(unit / heads)) * tile;
    const AttentionHead<T> head(a, unit % heads / a.heads, static_cast<int>(unit % heads % a.heads));
    const QueryTile<T> queries(head, first, tile);
    const int from = piece * attention_slice * P;
    const Work work(thread);

    State state;
    WEFT_UNROLL for (int r = 0; r < R; ++r) state.largest.values[r] = C(-HUGE_VAL);
    const int last = first + queries.count < head.query_end ? first + queries.count : head.query_end;
    if (last > first) {
      const int end = head.end_key(last - 1);
      for (int k = head.first_key(first) / tile * tile; k < end; k += tile)
        add_keys(work, queries, key_tile(a, head.b, head.kv, k, tile), from, state);
      if (a.null_key) add_keys(work, queries, null_tile(a, head.kv), from, state);
    }
    state.total = work.over_row(state.total, Sum());

    C factors[R];
    bool dead = false;
    WEFT_UNROLL for (int r = 0; r < R; ++r) {
      factors[r] = state.total.values[r] == 0 ? C(1) : 1 / state.total.values[r];
      dead = dead || (state.total.values[r] == 0 && first + work.row(r) < head.query_end);
    }
    if (a.uniform && work.any(dead)) add_values_evenly(work, queries, from, state);
    work.write(state.sums, factors,
               out + (head.b * a.query_length + first) * a.heads * a.value_dim + head.h * a.value_dim,
               int64_t{1} * a.heads * a.value_dim, queries.count, from, a.value_dim);
    if (piece > 0 || work.x() > 0) return;
    for (int r = 0; r < R; ++r)
      if (work.row(r) < queries.count)
        a.logsumexp[a.slot(head.b, head.h, first + work.row(r))] = state.largest.values[r] + log(state.total.values[r]);
  }

  WEFT_DEVICE void add_keys(const Work& work, const QueryTile<T>& queries, const KeyTile<T>& keys, int from,
                            State& state) const {
    const AttentionHead<T>& head = queries.head;
    const uint32_t seen = seen_pairs<false>(work, queries, keys);
    if (a.mask.data && !work.any(seen != 0)) return;
    C pairs[R][R] = {};
    work.add_products(queries.rows(a.query, a.head_dim), keys.key, pairs);
    const uint32_t kept = kept_pairs<false>(work, queries, keys, seen);
    RowValues<C, R> largest = state.largest;
    WEFT_UNROLL for (int r = 0; r < R; ++r) WEFT_UNROLL for (int c = 0; c < R; ++c) {
      C slope;
      pairs[r][c] = seen >> (r * R + c) & 1 ? head.logit(pairs[r][c], queries.first + work.row(r),
                                                         keys.first + work.column(c), keys.null_slot, slope)
                                            : C(-HUGE_VAL);
      largest.values[r] = Largest()(largest.values[r], pairs[r][c]);
    }
    largest = work.over_row(largest, Largest());
    WEFT_UNROLL for (int r = 0; r < R; ++r) {
      // A row that has seen nothing stays at exp(-inf - 0) = 0.
      const C shift = largest.values[r] == C(-HUGE_VAL) ? C(0) : largest.values[r];
      const C before = exp(state.largest.values[r] - shift);
      state.total.values[r] *= before;
      WEFT_UNROLL for (int i = 0; i < 2 * P; ++i) state.sums[r][i] *= before;
      WEFT_UNROLL for (int c = 0; c < R; ++c) {
        const C weight = exp(pairs[r][c] - shift);
        state.total.values[r] += weight;
        pairs[r][c] = kept >> (r * R + c) & 1 ? weight * a.kept_factor : C(0);
      }
    }
    state.largest = largest;
    work.set_weights(pairs);
    work.combine(pairs, keys.value, from, state.sums);
  }

  /// Queries that attend to nothing take the mean of all values.
  WEFT_DEVICE void add_values_evenly(const Work& work, const QueryTile<T>& queries, int from, State& state) const {
    const AttentionHead<T>& head = queries.head;
    for (int k = 0; k < a.key_length; k += tile) {
      const KeyTile<T> keys = key_tile(a, head.b, head.kv, k, tile);
      const uint32_t kept = kept_pairs<false>(work, queries, keys, ~uint32_t{0});
      C weights[R][R] = {};
      WEFT_UNROLL for (int r = 0; r < R; ++r) WEFT_UNROLL for (int c = 0; c < R; ++c) {
        const int q = queries.first + work.row(r);
        if (state.total.values[r] != 0 || q >= head.query_end || work.column(c) >= keys.count) continue;
        if (kept >> (r * R + c) & 1) weights[r][c] = a.kept_factor / static_cast<C>(a.key_length);
      }
      work.set_weights(weights);
      work.combine(weights, keys.value, from, state.sums);
    }
  }
};

/// The weights themselves, from the logsumexp.
template <class T, int R> struct AttentionWeights {
  using C = Computed<T>;
  using Work = TileWork<C, R>;
  static constexpr int tile = Work::tile;

  AttentionData<T> a;
  int tiles;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const int64_t head_number = thread.block() / tiles;
    const AttentionHead<T> head(a, head_number / a.heads, static_cast<int>(head_number % a.heads));
    const QueryTile<T> queries(head, static_cast<int>(thread.block() % tiles) * tile, tile);
    const Work work(thread);
    for (int k = 0; k < a.key_length; k += tile) write(work, queries, key_tile(a, head.b, head.kv, k, tile));
    if (a.null_key) write(work, queries, null_tile(a, head.kv));
  }

  WEFT_DEVICE void write(const Work& work, const QueryTile<T>& queries, const KeyTile<T>& keys) const {
    const AttentionHead<T>& head = queries.head;
    const uint32_t seen = seen_pairs<false>(work, queries, keys);
    C pairs[R][R] = {};
    if (work.any(seen != 0)) work.add_products(queries.rows(a.query, a.head_dim), keys.key, pairs);
    WEFT_UNROLL for (int r = 0; r < R; ++r) {
      if (work.row(r) >= queries.count) continue;
      const int q = queries.first + work.row(r);
      const C logsumexp = a.logsumexp[a.slot(head.b, head.h, q)];
      const bool dead = logsumexp == C(-HUGE_VAL);
      WEFT_UNROLL for (int c = 0; c < R; ++c) {
        if (work.column(c) >= keys.count) continue;
        C weight = 0, slope;
        if (dead) weight = a.uniform && q < head.query_end && !keys.null_slot ? 1 / static_cast<C>(a.key_length) : C(0);
        else if (seen >> (r * R + c) & 1)
          weight = exp(head.logit(pairs[r][c], q, keys.first + work.column(c), keys.null_slot, slope) - logsumexp);
        a.weights[a.weight_row(head.b, head.h, q) + keys.first + work.column(c)] = static_cast<T>(weight);
      }
    }
  }
};

}  // namespace

template <class T> void launch_attention_forward(const AttentionData<T>& a, T* out) {
  with_attention_sizes<T>(a.query_length, a.value_dim, [&]<int R, int P>(TileSize<R, P>) {
    using Work = TileWork<Computed<T>, R>;
    const int64_t tiles = tiles_of(a.query_length, Work::tile), pieces = pieces_of(a.value_dim, P);
    launch_blocks(AttentionForward<T, R, P>{a, out, static_cast<int>(tiles), static_cast<int>(pieces)},
                  a.batch * a.heads * tiles * pieces, attention_threads, Work::shared_bytes());
  });
  if (!a.weights) return;
  with_attention_rows<T>(a.query_length, [&]<int R>(TileRows<R>) {
    using Work = TileWork<Computed<T>, R>;
    const int64_t tiles = tiles_of(a.query_length, Work::tile);
    launch_blocks(AttentionWeights<T, R>{a, static_cast<int>(tiles)}, a.batch * a.heads * tiles, attention_threads,
                  Work::shared_bytes());
  });
}

template void launch_attention_forward(const AttentionData<float>&, float*);
template void launch_attention_forward(const AttentionData<double>&, double*);
template void launch_attention_forward(const AttentionData<bfloat16>&, bfloat16*);
template void launch_attention_forward(const AttentionData<float16>&, float16*);

}  // namespace weft::cuda
