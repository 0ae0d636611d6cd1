#pragma once

#include <weft/backends/cpu/isa/attention_short_tile.hpp>

namespace weft::cpu {

/// Gradients of short sequences' attention, a group of queries after the other: with P the weights, recomputed from the
/// logsumexp, and d_P = d_out . V, d_logits = P * (d_P - the sum of P * d_P over the keys).
template <class T, class Arch> class AttentionShortBackward {
  using Short = ShortTools<T, Arch>;
  using Tools = AttentionTools<T, Arch>;
  using Tile = ShortTile<T, Arch>;
  using Block = QueryBlock<T, Arch>;
  using Group = typename Short::Group;
  using Keys = typename Short::Keys;
  using V = Vec<T, Arch>;

 public:
  static int64_t scratch(const AttentionArgs<T>& a) {
    return V::size * (a.head_dim + a.value_dim + 3 * a.columns() + 2) + 2 * Short::copied_elements(a) +
           Short::Apart::elements(a);
  }

  /// All keys of one batch entry and key head. False, with results that are of no use, where a query that attends to
  /// nothing holds something that is not finite: 0 times it is NaN.
  static bool run(const AttentionGradArgs<T>& g, const AttentionKeys& keys, const HeadRows<T*>& d_query, T* d_null,
                  T* scratch) {
    return AttentionShortBackward(g, keys, d_query, scratch).compute(d_null);
  }

 private:
  AttentionShortBackward(const AttentionGradArgs<T>& args, const AttentionKeys& pair, const HeadRows<T*>& queries,
                         T* scratch)
      : g(args), a(args.call), batch(pair.batch), kv_head(pair.kv_head), d_query(queries) {
    auto take = [&](int64_t count) {
      T* taken = scratch;
      scratch += count;
      return taken;
    };
    query_columns = take(a.head_dim * V::size);
    d_out_columns = take(a.value_dim * V::size);
    weights = take(a.columns() * V::size);
    dropped = take(a.columns() * V::size);
    d_scores = take(a.columns() * V::size);
    from = take(V::size);
    shift = take(V::size);
    keys = Short::keys_of(a, batch, kv_head, take(Short::copied_elements(a)));
    finite_keys = take(Short::Apart::elements(a));
    if (g.d_key.data) d_key = Tools::row_of(g.d_key, batch, 0, kv_head), d_key_row = g.d_key.length;
    if (g.d_value.data) d_value = Tools::row_of(g.d_value, batch, 0, kv_head), d_value_row = g.d_value.length;
    if (Short::copies(a)) {
      if (d_key || a.null_key) d_key = take(a.columns() * keys.key_row), d_key_row = keys.key_row;
      if (d_value || a.null_key) d_value = take(a.columns() * keys.value_row), d_value_row = keys.value_row;
    }
  }

  bool compute(T* d_null) {
    const int64_t ratio = a.heads / a.kv_heads, blocks = attention_blocks(a);
    uint64_t seen[Short::most_rows];
    for (int64_t h = kv_head * ratio; h < (kv_head + 1) * ratio; ++h) {
      for (int64_t b = 0; b < blocks; ++b) {
        const Block q = Block::make(a, batch, h, b);
        if (a.dropout_rate > 0) Short::keep(q, kept);
        for (int64_t i = 0; i < q.count; i += V::size) {
          const Group group = Group::make(q, i, seen);
          if (!add) clear(0, group.begin), clear(group.begin + group.rows, a.columns());
          if (!gradients(q, group)) return false;
          add = true;
        }
        const int64_t first = q.first + q.count, end = Tools::least(q.first + attention_queries, a.query_length);
        if (d_query.data && first < end)
          Short::clear_rows(Tools::row_of(d_query, batch, first, h), d_query.length, end - first, a.head_dim);
      }
    }
    if (!add) clear(0, a.columns());
    if (Short::copies(a)) copy_out(d_null);
    return true;
  }

  /// Sets gradients of the rows [begin, end) of keys and values to 0.
  void clear(int64_t begin, int64_t end) const {
    if (begin >= end) return;
    if (d_key) Short::clear_rows(d_key + begin * d_key_row, d_key_row, end - begin, a.head_dim);
    if (d_value) Short::clear_rows(d_value + begin * d_value_row, d_value_row, end - begin, a.value_dim);
  }

  void copy_out(T* d_null) const {
    auto copy = [&](const T* from, int64_t from_row, T* null, const HeadRows<T*>& to, int64_t columns) {
      auto row = [&](T* into) {
        int64_t d = 0;
        for (; d + V::size <= columns; d += V::size) V::load(from + d).store(into + d);
        if (d < columns)
          V::load(from + d, static_cast<int>(columns - d)).store(into + d, static_cast<int>(columns - d));
        from += from_row;
      };
      if (a.null_key) row(null);
      for (int64_t k = 0; to.data && k < a.key_length; ++k) row(Tools::row_of(to, batch, k, kv_head));
    };
    if (d_key) copy(d_key, d_key_row, d_null, g.d_key, a.head_dim);
    if (d_value) copy(d_value, d_value_row, d_null ? d_null + a.head_dim : nullptr, g.d_value, a.value_dim);
  }

  bool gradients(const Block& q, const Group& group) {
    const int64_t first = q.first + group.first;
    const T* key = keys.key + group.begin * keys.key_row;
    const T* value = keys.value + group.begin * keys.value_row;
    const T* query = Tools::row_of(a.query, batch, first, q.head);
    const T* d_out = Tools::row_of(g.d_out, batch, first, q.head);
    if (!take_sums(first, q.head, group.count, query, d_out)) return false;
    const T factor = a.dropout_rate > 0 ? q.kept_factor() : T(1);
    Tools::pack_transposed(query, a.query.length, group.count, a.head_dim, static_cast<T>(a.scale * Tools::log2e),
                           query_columns, V::size);
    Tools::pack_transposed(d_out, g.d_out.length, group.count, a.value_dim, static_cast<T>(a.scale * factor),
                           d_out_columns, V::size);
    differentiate(group, key, value, counted(group));
    typename Tile::Product p;
    p.factor = nullptr;
    p.depth = group.count;
    p.add = add;
    if (d_value) {
      p.a = a.dropout_rate > 0 ? drop(group, factor) : weights;
      p.b = d_out;
      p.b_row = g.d_out.length;
      p.c = d_value + group.begin * d_value_row;
      p.c_row = d_value_row;
      Short::template product<Tile::by_row>(p, group.rows, a.value_dim);
    }
    if (d_key) {
      p.a = d_scores;
      p.b = query;
      p.b_row = a.query.length;
      p.c = d_key + group.begin * d_key_row;
      p.c_row = d_key_row;
      Short::template product<Tile::by_row>(p, group.rows, a.head_dim);
    }
    if (d_query.data) {
      p.depth = group.rows;
      p.add = false;
      p.a = d_scores;
      p.b_row = keys.key_row;
      const bool infinite = group.seen && apart.find(key, p.b_row, group.rows, a.head_dim, finite_keys);
      p.b = key;
      T* const to = Tools::row_of(d_query, batch, first, q.head);
      p.c = to;
      p.c_row = d_query.length;
      Short::template product<Tile::by_column>(p, group.count, a.head_dim);
      if (infinite) apart.add(d_scores, nullptr, group.count, to, d_query.length);
    }
    return true;
  }

  /// Fills `from` and `shift`; lanes of queries that attend to nothing, and those of none, get weights of 0. False
  /// where such a query holds something that is not finite.
  bool take_sums(int64_t first, int64_t head, int64_t count, const T* query, const T* d_out) {
    V(Tools::infinity).store(from);
    V(T(0)).store(shift);
    const int64_t slot = (batch * a.query_length + first) * a.heads + head;
    for (int64_t l = 0; l < count; ++l) {
      const T sum = a.logsumexp[slot + l * a.heads];
      if (sum == -Tools::infinity) {
        if (!Tools::finite(query + l * a.query.length, a.head_dim) ||
            !Tools::finite(d_out + l * g.d_out.length, a.value_dim))
          return false;
        continue;
      }
      from[l] = sum * static_cast<T>(Tools::log2e);
      if (g.d_logsumexp) shift[l] = g.d_logsumexp[slot + l * a.heads] * static_cast<T>(a.scale);
    }
    return true;
  }

  /// Which lanes count, row by row, seen and not dropped; null: all.
  const uint64_t* counted(const Group& group) {
    const uint64_t* dropout = a.dropout_rate > 0 ? kept + group.begin : nullptr;
    if (!group.seen || !dropout) return group.seen ? group.seen : dropout;
    for (int64_t j = 0; j < group.rows; ++j) both[j] = group.seen[j] & dropout[j];
    return both;
  }

  /// Fills the weights and the gradient of the logits, times scale.
  void differentiate(const Group& group, const T* key, const T* value, const uint64_t* counts) {
    const V base = V::load(from);
    V mean = -V::load(shift);
    typename Tile::Scores s{a.head_dim, key, keys.key_row, query_columns, weights, group.seen, group.first};
    typename Tile::Scores d{a.value_dim, value, keys.value_row, d_out_columns, d_scores, nullptr, group.first};
    Short::for_tiles(group.rows, [&](int64_t j, int64_t n) {
      s.a = key + j * keys.key_row;
      s.c = weights + j * V::size;
      if (group.seen) s.seen = group.seen + j;
      Short::table.weights[n](s, base);
      d.a = value + j * keys.value_row;
      d.c = d_scores + j * V::size;
      if (counts) d.seen = counts + j;
      mean = Short::table.weighted[n](d, s.c, mean);
    });
    for (int64_t j = 0; j < group.rows; ++j) {
      T* at = d_scores + j * V::size;
      (V::load(weights + j * V::size) * (V::load(at) - mean)).store(at);
    }
  }

  /// The weights as dropout leaves them.
  const T* drop(const Group& group, T factor) const {
    for (int64_t j = 0; j < group.rows; ++j) {
      const V p = V::load(weights + j * V::size) * V(factor);
      const auto mask = lane_mask<T, Arch>(kept[group.begin + j] >> group.first);
      select(mask, p, V(T(0))).store(dropped + j * V::size);
    }
    return dropped;
  }

  const AttentionGradArgs<T>& g;
  const AttentionArgs<T>& a;
  const int64_t batch, kv_head;
  const HeadRows<T*>& d_query;
  Keys keys;
  T *d_key = nullptr, *d_value = nullptr;  // gradients of the rows of `keys`; null: not wanted
  int64_t d_key_row = 0, d_value_row = 0;
  T *query_columns, *d_out_columns;  // [D][lane], [Dv][lane]
  T *weights, *dropped, *d_scores;   // [row][lane]
  T *from, *shift;                   // [lane]: the logsumexp in base 2, its cotangent times scale
  bool add = false;                  // d_key and d_value hold something
  T* finite_keys;
  typename Short::Apart apart;
  uint64_t kept[Short::most_rows], both[Short::most_rows];
};

}  // namespace weft::cpu
