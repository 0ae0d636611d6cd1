#pragma once

#include <weft/backends/cpu/isa/attention_short_tile.hpp>

namespace weft::cpu {

/// Forward attention of short sequences: an exact softmax down the columns.
template <class T, class Arch> class AttentionShort {
  using Short = ShortTools<T, Arch>;
  using Tools = AttentionTools<T, Arch>;
  using Tile = ShortTile<T, Arch>;
  using Block = QueryBlock<T, Arch>;
  using Group = typename Short::Group;
  using Keys = typename Short::Keys;
  using V = Vec<T, Arch>;

 public:
  static int64_t scratch(const AttentionArgs<T>& a) {
    return V::size * (a.head_dim + a.columns() + 2) + Short::copied_elements(a) + Short::Apart::elements(a);
  }

  static void run(const AttentionArgs<T>& a, int64_t batch, int64_t head, int64_t block, T* scratch) {
    const Block q = Block::make(a, batch, head, block);
    T* columns = scratch;
    T* weights = columns + V::size * a.head_dim;
    T* factor = weights + V::size * a.columns();
    T* logsumexp = factor + V::size;
    T* copied = logsumexp + V::size;
    const Keys keys = Short::keys_of(a, batch, q.kv_head, copied);
    T* finite_values = copied + Short::copied_elements(a);
    typename Short::Apart apart;
    uint64_t seen[Short::most_rows], kept[Short::most_rows];
    if (a.dropout_rate > 0) Short::keep(q, kept);
    for (int64_t i = 0; i < q.count; i += V::size) {
      const Group g = Group::make(q, i, seen);
      const T* value = keys.value + g.begin * keys.value_row;
      Tools::pack_transposed(Tools::row_of(a.query, batch, q.first + i, head), a.query.length, g.count, a.head_dim,
                             static_cast<T>(a.scale * Tools::log2e), columns, V::size);
      softmax(q, g, keys, columns, weights, factor, logsumexp, a.dropout_rate > 0 ? kept : nullptr);
      typename Tile::Product p;
      p.depth = g.rows;
      p.a = weights;
      p.b_row = keys.value_row;
      const bool infinite = g.seen && apart.find(value, p.b_row, g.rows, a.value_dim, finite_values);
      p.b = value;
      p.c = Tools::row_of(a.out, batch, q.first + i, head);
      p.c_row = a.out.length;
      p.add = false;
      p.factor = factor;
      T* const out = p.c;
      Short::template product<Tile::by_column>(p, g.count, a.value_dim);
      if (infinite) apart.add(weights, factor, g.count, out, a.out.length);
      if (!a.logsumexp) continue;
      T* to = a.logsumexp + (batch * a.query_length + q.first + i) * a.heads + head;
      for (int64_t l = 0; l < g.count; ++l) to[l * a.heads] = logsumexp[l];
    }
    const int64_t end = Tools::least(q.first + attention_queries, a.query_length);
    for (int64_t i = q.first + q.count; i < end; ++i) {
      Tools::clear(Tools::row_of(a.out, batch, i, head), a.value_dim);
      if (a.logsumexp) a.logsumexp[(batch * a.query_length + i) * a.heads + head] = -Tools::infinity;
    }
  }

 private:
  /// weights[row][lane] = 2^(logits - the largest), as dropout leaves them; factor = 1 / their sum, 0 where there is
  /// nothing.
  static void softmax(const Block& q, const Group& g, const Keys& keys, const T* columns, T* weights, T* factor,
                      T* logsumexp, const uint64_t* kept) {
    const T* key = keys.key + g.begin * keys.key_row;
    typename Tile::Scores s{q.a.head_dim, key, keys.key_row, columns, weights, g.seen, g.first};
    V top(-Tools::infinity);
    Short::for_tiles(g.rows, [&](int64_t j, int64_t n) {
      s.a = key + j * keys.key_row;
      s.c = weights + j * V::size;
      if (g.seen) s.seen = g.seen + j;
      top = Short::table.scores[n](s, top);
    });
    const V none(-Tools::infinity), from = select(top == none, V(T(0)), top);
    V sums[2] = {V(T(0)), V(T(0))};
    int64_t j = 0;
    for (; j + 2 <= g.rows; j += 2) {
#pragma GCC unroll 2
      for (int r = 0; r < 2; ++r) {
        T* at = weights + (j + r) * V::size;
        const V p = exp2_nonpositive(V::load(at) - from);
        p.store(at);
        sums[r] += p;
      }
    }
    if (j < g.rows) {
      const V p = exp2_nonpositive(V::load(weights + j * V::size) - from);
      p.store(weights + j * V::size);
      sums[0] += p;
    }
    const V sum = sums[0] + sums[1];
    const Mask<T, Arch> empty = sum == V(T(0));
    const V whole(kept ? q.kept_factor() : T(1));
    select(empty, V(T(0)), whole / sum).store(factor);
    (select(empty, none, from + log2(sum)) * V(static_cast<T>(Tools::ln2))).store(logsumexp);
    for (j = 0; kept && j < g.rows; ++j) {
      T* at = weights + j * V::size;
      select(lane_mask<T, Arch>(kept[g.begin + j] >> g.first), V::load(at), V(T(0))).store(at);
    }
  }
};

}  // namespace weft::cpu
