#pragma once

#include <weft/backends/cuda/attention_tile.hpp>

namespace weft::cuda {

/// What the gradients of attention know of a tile's pairs. With P the weights and d_P = d_out . V, as dropout lets it
/// through: d_logits = P * (d_P - delta), where delta is the sum of P * d_P over a query's keys, which is d_out . out.
template <class T, int R, bool keys_are_rows> struct PairGradients {
  using C = Computed<T>;
  C weights[R][R] = {};   ///< after dropout
  C d_logits[R][R] = {};  ///< of the biased logits; of the products, with `through_scale`

  /// All threads of the block take part. Leaves both 0 where no pair of the tile counts, and says so.
  WEFT_DEVICE bool compute(const TileWork<C, R>& work, const AttentionGradData<T>& g, const QueryTile<T>& queries,
                           const KeyTile<T>& keys, bool through_scale) {
    using std::exp;
    const AttentionData<T>& a = g.call;
    const AttentionHead<T>& head = queries.head;
    const uint32_t seen = seen_pairs<keys_are_rows>(work, queries, keys);
    // Queries that attend to nothing may spread over keys that they do not see.
    if (a.mask.data && !a.uniform && !work.any(seen != 0)) return false;

    const uint32_t kept = kept_pairs<keys_are_rows>(work, queries, keys, a.uniform ? ~uint32_t{0} : seen);
    const RowTile<T> query = queries.rows(a.query, a.head_dim), d_out = queries.rows(g.d_out, a.value_dim);
    C products[R][R] = {};
    if constexpr (keys_are_rows) work.add_products(keys.key, query, products);
    else work.add_products(query, keys.key, products);
    if constexpr (keys_are_rows) work.add_products(keys.value, d_out, d_logits);
    else work.add_products(d_out, keys.value, d_logits);

    C logsumexp[R], delta[R];  // of this thread's queries
    WEFT_UNROLL for (int i = 0; i < R; ++i) {
      const int q = pair_query<keys_are_rows>(work, queries, i, i);
      const bool there = q < head.query_end;
      logsumexp[i] = there ? a.logsumexp[a.slot(head.b, head.h, q)] : C(0);
      delta[i] = there ? g.delta[a.slot(head.b, head.h, q)] : C(0);
    }
    WEFT_UNROLL for (int r = 0; r < R; ++r) WEFT_UNROLL for (int c = 0; c < R; ++c) {
      const int i = keys_are_rows ? c : r, k = pair_key<keys_are_rows>(work, r, c);
      const int q = pair_query<keys_are_rows>(work, queries, r, c), column = keys.first + k;
      const bool dead = logsumexp[i] == C(-HUGE_VAL);
      C slope = 1, weight = 0;
      if (dead) {
        if (a.uniform && q < head.query_end && !keys.null_slot && k < keys.count)
          weight = 1 / static_cast<C>(a.key_length);
      } else if (seen >> (r * R + c) & 1) {
        weight = exp(head.logit(products[r][c], q, column, keys.null_slot, slope) - logsumexp[i]);
      }
      const bool keeps = kept >> (r * R + c) & 1;
      weights[r][c] = keeps ? weight * a.kept_factor : C(0);
      if (dead || weight == 0) {  // whatever the values hold
        d_logits[r][c] = 0;
        continue;
      }
      C d_weight = keeps ? d_logits[r][c] * a.kept_factor : C(0);
      if (g.d_weights) d_weight += static_cast<C>(g.d_weights[a.weight_row(head.b, head.h, q) + column]);
      d_logits[r][c] = weight * (d_weight - delta[i]);
      if (through_scale) d_logits[r][c] *= slope * a.scale;
    }
    return true;
  }
};

}  // namespace weft::cuda
