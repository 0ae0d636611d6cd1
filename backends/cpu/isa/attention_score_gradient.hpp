#pragma once

#include <weft/backends/cpu/isa/attention_block.hpp>

namespace weft::cpu {

/// One block of queries against one block of keys after the other: the weights, recomputed from the logsumexp, and the
/// gradient of the logits. With P the weights and d_P = d_out . V: d_logits = P * (d_P - delta), where delta is the sum
/// of P * d_P over a row, which equals d_out . out. Dao et al., "FlashAttention", 2022.
template <class T, class Arch> class ScoreGradient {
  using Tools = AttentionTools<T, Arch>;
  using Block = QueryBlock<T, Arch>;
  using Keys = KeyBlock<T>;
  using Tile = AttentionTile<T, Arch>;
  using V = Vec<T, Arch>;
  static constexpr int64_t block_keys = attention_backward_keys<T>;

 public:
  static int64_t scratch(const AttentionArgs<T>& a) {
    return attention_queries *
           (a.head_dim + a.value_dim + Tools::padded(a.head_dim) + Tools::padded(a.value_dim) + 6 * block_keys + 2);
  }

  /// `factor` of the gradient: the logits' scale, or 1 for the bias's gradient, which that of the logits is.
  ScoreGradient(const AttentionGradArgs<T>& args, T factor, T* scratch) : g(args), a(args.call), scale(factor) {
    auto take = [&](int64_t count) {
      T* taken = scratch;
      scratch += count;
      return taken;
    };
    query_columns = take(attention_queries * a.head_dim);
    d_out_columns = take(attention_queries * a.value_dim);
    query_copy = take(attention_queries * Tools::padded(a.head_dim));
    d_out_copy = take(attention_queries * Tools::padded(a.value_dim));
    weights = take(attention_queries * block_keys);
    d_scores = take(attention_queries * block_keys);
    dropped = take(attention_queries * block_keys);
    tanhs = take(attention_queries * block_keys);
    biases = take(attention_queries * block_keys);
    d_weights = take(attention_queries * block_keys);
    logsumexp = take(attention_queries);
    delta = take(attention_queries);
  }

  /// Operands in both layouts, and one number per query. Queries that attend to nothing are dead.
  void prepare(const Block& q) {
    next_fetched = false;
    dead = 0;
    bool skip[attention_queries];
    for (int64_t i = 0; i < q.lanes; ++i) {
      logsumexp[i] = delta[i] = 0;
      if (i >= q.count) continue;
      int64_t slot = (q.batch * a.query_length + q.first + i) * a.heads + q.head;
      skip[i] = a.logsumexp[slot] == -Tools::infinity;
      if (skip[i]) {
        dead |= uint64_t{1} << i;
        continue;
      }
      logsumexp[i] = a.logsumexp[slot] * static_cast<T>(Tools::log2e);
      delta[i] = Tools::dot(Tools::row_of(g.d_out, q.batch, q.first + i, q.head),
                            Tools::row_of(a.out, q.batch, q.first + i, q.head), a.value_dim);
      if (g.d_weights)
        delta[i] += Tools::dot(a.weights + weight_row(q, i), g.d_weights + weight_row(q, i), a.columns());
      if (g.d_logsumexp) delta[i] -= g.d_logsumexp[slot];
      delta[i] *= scale;
    }
    const T* query = Tools::row_of(a.query, q.batch, q.first, q.head);
    const T* d_out = Tools::row_of(g.d_out, q.batch, q.first, q.head);
    double factor = a.soft_cap > 0 ? a.scale : a.scale * Tools::log2e;
    Tools::pack_transposed(query, a.query.length, q.count, a.head_dim, static_cast<T>(factor), query_columns, q.lanes);
    // The gradient of scale * query . key, since the factor of the logits is taken into the cotangents.
    Tools::pack_transposed(d_out, g.d_out.length, q.count, a.value_dim, scale, d_out_columns, q.lanes);
    query_rows = rows_or_copy(query, a.query.length, q.count, a.head_dim, skip, query_copy, query_stride);
    d_out_rows = rows_or_copy(d_out, g.d_out.length, q.count, a.value_dim, skip, d_out_copy, d_out_stride);
  }

  /// As Block::see, dead queries counted as seeing nothing.
  Seen see(const Block& q, int64_t k, int64_t n) {
    Seen sees = q.see(k, n, seen);
    if (dead == 0 || sees == Seen::none) return sees;
    for (int64_t j = 0; j < n; ++j) seen[j] = sees == Seen::all ? ~dead : seen[j] & ~dead;
    return Seen::some;
  }
  Seen see_null_slot() {
    seen[0] = ~dead;
    return dead == 0 ? Seen::all : Seen::some;
  }

  /// Whether some weights are 0 because a query does not see a key.
  bool careful(const Keys& block, Seen sees) const { return sees == Seen::some || (a.bias.data && !block.null_slot); }

  /// weights = exp(logits - logsumexp); returns them as dropout leaves them.
  const T* recompute(const Block& q, const Keys& block, Seen sees) {
    compute_weights(q, block, sees);
    return a.dropout_rate > 0 ? drop(q, block) : weights;
  }

  /// d_scores = the gradient of the logits, for the block whose weights have just been recomputed.
  void differentiate(const Block& q, const Keys& block, Seen sees) {
    ScoreCall<T> call = score_call(a.value_dim, block.value, block.value_stride, d_out_columns, d_scores, delta, q);
    call.later = next_rows(g.d_out, q, a.value_dim);
    if (call.later.data) {
      call.soon = next_rows({a.out.data, a.out.batch, a.out.length, a.out.head}, q, a.value_dim);
      next_fetched = true;
    }
    if (a.dropout_rate == 0 && !g.d_weights && !cut(q, block, sees)) {
      if (careful(block, sees)) call.seen = seen;
      Tile::template score_block<ScoreKind::gradient>(call, block.count, Tile::panel, Everything(), nothing);
      return;
    }
    plain_scores(q, block, sees, call);
    const bool drops = a.dropout_rate > 0, check = careful(block, sees);
    if (g.d_weights)
      Tools::pack_transposed(g.d_weights + weight_row(q, 0) + block.first, a.columns(), q.count, block.count, scale,
                             d_weights, q.lanes);
    const V factor(drops ? q.kept_factor() : T(1));
    for (int64_t i = 0; i < q.lanes; i += V::size) {
      const V mean = V::load(delta + i);
      for (int64_t j = 0, at = i; j < block.count; ++j, at += q.lanes) {
        V d = V::load(d_scores + at), p = V::load(weights + at);
        if (drops) d = select(lane_mask<T, Arch>(kept[j] >> i), d * factor, V(T(0)));
        if (g.d_weights) d += V::load(d_weights + at);
        d = p * (d - mean);
        if (check) d = select(p == V(T(0)), V(T(0)), d);
        d.store(d_scores + at);
      }
    }
  }

  /// From the gradient of the logits to that of what the soft cap was given: n keys.
  void through_cap(const Block& q, int64_t n) {
    for (int64_t i = 0; a.soft_cap > 0 && i < n * q.lanes; i += V::size) {
      V t = V::load(tanhs + i), d = V::load(d_scores + i);
      // Where nothing is seen the tanh may be NaN.
      select(d == V(T(0)), d, d * (V(T(1)) - t * t)).store(d_scores + i);
    }
  }

  T* d_scores = nullptr;                                 // [key][lane]
  const T *query_rows = nullptr, *d_out_rows = nullptr;  // [lane][D], [lane][Dv]; dead queries are 0
  int64_t query_stride = 0, d_out_stride = 0;
  uint64_t dead = 0;  // lanes that attend to nothing

 private:
  static WEFT_SIMD_INLINE void nothing(int64_t, int64_t, int64_t, int64_t) {}
  static WEFT_SIMD_INLINE bool cut(const Block& q, const Keys& block, Seen sees) {
    return sees == Seen::some && !block.null_slot && q.cuts(block.first, block.count);
  }

  void plain_scores(const Block& q, const Keys& block, Seen sees, const ScoreCall<T>& call) {
    if (cut(q, block, sees))
      Tile::template score_block<ScoreKind::plain>(
          call, block.count, Tile::narrow,
          [&](int64_t i, int64_t m, int64_t& begin, int64_t& end) { q.keys_of(block.first, i, m, begin, end); },
          nothing);
    else Tile::template score_block<ScoreKind::plain>(call, block.count, Tile::panel, Everything(), nothing);
  }

  int64_t weight_row(const Block& q, int64_t i) const {
    return ((q.batch * a.heads + q.head) * a.query_length + q.first + i) * a.columns();
  }

  /// Rows as they are, where they are whole registers, all count, and are not read often; else a copy without gaps.
  const T* rows_or_copy(const T* rows, int64_t stride, int64_t count, int64_t columns, const bool* skip, T* copy,
                        int64_t& used_stride) const {
    const bool few = a.key_length <= 2 * block_keys;
    if (few && dead == 0 && columns % V::size == 0) {
      used_stride = stride;
      return rows;
    }
    used_stride = Tools::padded(columns);
    Tools::pack_rows(rows, stride, count, columns, T(1), copy, skip);
    return copy;
  }

  void compute_weights(const Block& q, const Keys& block, Seen sees) {
    const bool biased = a.bias.data && !block.null_slot, capped = a.soft_cap > 0;
    ScoreCall<T> call = score_call(a.head_dim, block.key, block.key_stride, query_columns, weights, logsumexp, q);
    call.later = next_rows(a.query, q, a.head_dim);
    if (!biased && !capped && !cut(q, block, sees)) {
      if (sees == Seen::some) call.seen = seen;
      Tile::template score_block<ScoreKind::weights>(call, block.count, Tile::panel, Everything(), nothing);
      return;
    }
    plain_scores(q, block, sees, call);
    if (biased) q.pack_bias(block.first, block.count, biases);
    const V cap(static_cast<T>(a.soft_cap * Tools::log2e)), per_cap(static_cast<T>(capped ? 1 / a.soft_cap : 0));
    for (int64_t i = 0; i < q.lanes; i += V::size) {
      const V from = V::load(logsumexp + i);
      for (int64_t j = 0, at = i; j < block.count; ++j, at += q.lanes) {
        V x = V::load(weights + at);
        if (capped) {
          V t = tanh(x * per_cap);
          t.store(tanhs + at);
          x = t * cap;
        }
        if (biased) x = Tools::add_bias(x, V::load(biases + at));
        if (sees == Seen::some) x = select(lane_mask<T, Arch>(seen[j] >> i), x, V(-Tools::infinity));
        exp2_nonpositive(x - from).store(weights + at);
      }
    }
  }

  /// The weights as dropout leaves them; `kept` is filled.
  const T* drop(const Block& q, const Keys& block) {
    q.keep(block.first, block.count, kept);
    const V factor(q.kept_factor());
    for (int64_t j = 0; j < block.count; ++j)
      for (int64_t i = 0; i < q.lanes; i += V::size) {
        int64_t at = j * q.lanes + i;
        select(lane_mask<T, Arch>(kept[j] >> i), V::load(weights + at) * factor, V(T(0))).store(dropped + at);
      }
    return dropped;
  }

  ScoreCall<T> score_call(int64_t depth, const T* rows, int64_t stride, const T* columns, T* to, T* from,
                          const Block& q) const {
    ScoreCall<T> call{};
    call.depth = depth;
    call.a = rows;
    call.a_row = stride;
    call.b = columns;
    call.c = to;
    call.lanes = q.lanes;
    call.from = from;
    call.weights = weights;
    call.soon = {rows + Tile::rows(static_cast<int>(Tools::least(Tile::vectors, q.lanes / V::size))) * stride, stride,
                 depth};
    return call;
  }

  /// What the next block of queries will read first; it comes in with the first block of keys.
  FetchRows<T> next_rows(const HeadRows<const T*>& rows, const Block& q, int64_t columns) const {
    if (next_fetched || q.first + 2 * attention_queries > a.query_length) return {};
    return {Tools::row_of(rows, q.batch, q.first + attention_queries, q.head), rows.length, columns};
  }

  const AttentionGradArgs<T>& g;
  const AttentionArgs<T>& a;
  T scale;
  T *query_columns = nullptr, *d_out_columns = nullptr;  // [D][lane], [Dv][lane]
  T *query_copy = nullptr, *d_out_copy = nullptr;        // [lane][D], [lane][Dv]
  T *weights = nullptr, *dropped = nullptr, *tanhs = nullptr, *biases = nullptr, *d_weights = nullptr;  // [key][lane]
  T *logsumexp = nullptr, *delta = nullptr;  // [lane]; logsumexp in base 2
  bool next_fetched = false;
  uint64_t seen[block_keys], kept[block_keys];
};

}  // namespace weft::cpu
