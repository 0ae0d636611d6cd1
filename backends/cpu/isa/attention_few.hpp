#pragma once

// Attention of a few queries: with a query per lane most lanes would be idle, so a lane is a feature, or a key.

#include <weft/backends/cpu/isa/attention_block.hpp>

namespace weft::cpu {

/// Plain attention, with any masks by position or grid, of at most `most` queries of one head; the keys stream by once.
template <class T, class Arch> class AttentionFew {
  using Tools = AttentionTools<T, Arch>;
  using Block = QueryBlock<T, Arch>;
  using V = Vec<T, Arch>;
  static constexpr int64_t most = V::size < 8 ? 1 : V::size < 16 ? 2 : 4, block_keys = 4 * V::size;
  static constexpr int64_t widest = 256;

 public:
  /// Whether this path serves the call: so it does for every block of queries and keys, or for none.
  static bool serves(const AttentionArgs<T>& a) {
    return a.query_length <= most && a.head_dim % V::size == 0 && a.value_dim % V::size == 0 && a.head_dim <= widest &&
           a.value_dim <= widest && !a.bias.data && !a.null_key && !a.weights && a.soft_cap <= 0 &&
           a.dropout_rate <= 0 && a.fully_masked == FullyMasked::zero;
  }

  static void forward(const AttentionArgs<T>& a, int64_t batch, int64_t head) {
    const Block q = Block::make(a, batch, head, 0);
    T largest[most], total[most];
    alignas(64) T sums[most][widest], scores[most][block_keys];
    for (int64_t i = 0; i < q.count; ++i) {
      largest[i] = -Tools::infinity;
      total[i] = 0;
      Tools::clear(sums[i], a.value_dim);
    }
    uint64_t seen[block_keys];
    q.for_each_key_block(0, a.key_length, block_keys, [&](int64_t k, int64_t n) {
      const Seen sees = q.see(k, n, seen);
      if (sees == Seen::none) return;
      const T* key = Tools::row_of(a.key, batch, k, q.kv_head);
      const T* value = Tools::row_of(a.value, batch, k, q.kv_head);
      for (int64_t i = 0; i < q.count; ++i) {
        dots(Tools::row_of(a.query, batch, i, head), key, a.key.length, n, a.head_dim,
             static_cast<T>(a.scale * Tools::log2e), scores[i]);
        if (sees == Seen::some)
          for (int64_t j = 0; j < n; ++j)
            if (!(seen[j] >> i & 1)) scores[i][j] = -Tools::infinity;
        V top(largest[i]);
        for (int64_t j = 0; j < n; j += V::size) top = max(top, V::load(scores[i] + j));
        const T highest = reduce_max(top);
        const V from(highest == -Tools::infinity ? T(0) : highest);
        V sum(T(0));
        for (int64_t j = 0; j < n; j += V::size) {
          V p = exp2_nonpositive(V::load(scores[i] + j) - from);
          p.store(scores[i] + j);
          sum += p;
        }
        const V factor = exp2_nonpositive(V(largest[i]) - from);
        total[i] = total[i] * first(factor) + reduce_add(sum);
        largest[i] = highest;
        add_rows(scores[i], value, a.value.length, n, a.value_dim, factor, sees == Seen::some, sums[i]);
      }
    });
    for (int64_t i = 0; i < a.query_length; ++i) {
      T* out = Tools::row_of(a.out, batch, i, head);
      const bool empty = i >= q.count || total[i] == 0;
      if (a.logsumexp)
        a.logsumexp[(batch * a.query_length + i) * a.heads + head] =
            empty ? -Tools::infinity : first((V(largest[i]) + log2(V(total[i]))) * V(static_cast<T>(Tools::ln2)));
      if (empty) {
        Tools::clear(out, a.value_dim);
        continue;
      }
      const V factor(1 / total[i]);
      for (int64_t d = 0; d < a.value_dim; d += V::size) (V::load(sums[i] + d) * factor).store(out + d);
    }
  }

  /// The gradients of these keys and values - added to what is there, where another head came first - and, in
  /// d_query, of this head's queries.
  static void backward(const AttentionGradArgs<T>& g, const AttentionKeys& keys, int64_t head,
                       const HeadRows<T*>& d_query, bool add) {
    const AttentionArgs<T>& a = g.call;
    const Block q = Block::make(a, keys.batch, head, 0);
    const T scale = static_cast<T>(a.scale);
    T from[most], delta[most];
    alignas(64) T weights[most][block_keys], d_scores[most][block_keys], sums[most][widest];
    int64_t live[most], alive = 0;  // queries that attend to something
    for (int64_t i = 0; i < q.count; ++i) {
      const int64_t slot = (q.batch * a.query_length + i) * a.heads + head;
      if (a.logsumexp[slot] == -Tools::infinity) continue;
      from[alive] = a.logsumexp[slot] * static_cast<T>(Tools::log2e);
      delta[alive] =
          Tools::dot(Tools::row_of(g.d_out, q.batch, i, head), Tools::row_of(a.out, q.batch, i, head), a.value_dim) -
          (g.d_logsumexp ? g.d_logsumexp[slot] : T(0));
      Tools::clear(sums[alive], a.head_dim);
      live[alive++] = i;
    }
    uint64_t seen[block_keys];
    for (int64_t k = keys.first; k < keys.last; k += block_keys) {
      const int64_t n = Tools::least(block_keys, keys.last - k);
      const Seen sees = alive == 0 ? Seen::none : q.see(k, n, seen);
      const T* key = Tools::row_of(a.key, q.batch, k, q.kv_head);
      const T* value = Tools::row_of(a.value, q.batch, k, q.kv_head);
      for (int64_t l = 0; sees != Seen::none && l < alive; ++l) {
        const int64_t i = live[l];
        dots(Tools::row_of(a.query, q.batch, i, head), key, a.key.length, n, a.head_dim,
             static_cast<T>(a.scale * Tools::log2e), weights[l]);
        dots(Tools::row_of(g.d_out, q.batch, i, head), value, a.value.length, n, a.value_dim, T(1), d_scores[l]);
        if (sees == Seen::some)
          for (int64_t j = 0; j < n; ++j)
            if (!(seen[j] >> i & 1)) weights[l][j] = -Tools::infinity;
        for (int64_t j = 0; j < n; j += V::size) {
          const V p = exp2_nonpositive(V::load(weights[l] + j) - V(from[l]));
          const V d = p * (V::load(d_scores[l] + j) - V(delta[l])) * V(scale);
          p.store(weights[l] + j);
          select(p == V(T(0)), V(T(0)), d).store(d_scores[l] + j);
        }
        if (d_query.data) add_rows(d_scores[l], key, a.key.length, n, a.head_dim, V(T(1)), sees == Seen::some, sums[l]);
      }
      const int64_t used = sees == Seen::none ? 0 : alive;
      if (g.d_value.data) outer(weights, live, used, n, g.d_out, g.d_value, a.value_dim, q, k, add);
      if (g.d_key.data) outer(d_scores, live, used, n, a.query, g.d_key, a.head_dim, q, k, add);
    }
    if (!d_query.data) return;
    for (int64_t i = 0; i < a.query_length; ++i) Tools::clear(Tools::row_of(d_query, q.batch, i, head), a.head_dim);
    for (int64_t l = 0; l < alive; ++l) {
      T* to = Tools::row_of(d_query, q.batch, live[l], head);
      for (int64_t d = 0; d < a.head_dim; d += V::size) V::load(sums[l] + d).store(to + d);
    }
  }

 private:
  /// to[k + j] = (add ? to[k + j] : 0) + the sum over l of weights[l][j] * rows[live[l]]
  static void outer(const T (&weights)[most][block_keys], const int64_t (&live)[most], int64_t count, int64_t keys,
                    const HeadRows<const T*>& rows, const HeadRows<T*>& to, int64_t features, const Block& q, int64_t k,
                    bool add) {
    T* row = Tools::row_of(to, q.batch, k, q.kv_head);
    const T* from = Tools::row_of(rows, q.batch, 0, q.head);
    for (int64_t j = 0; j < keys; ++j, row += to.length)
      for (int64_t d = 0; d < features; d += V::size) {
        V sum = add ? V::load(row + d) : V(T(0));
        for (int64_t l = 0; l < count; ++l) sum = fma(V(weights[l][j]), V::load(from + live[l] * rows.length + d), sum);
        sum.store(row + d);
      }
  }

  /// to[j] = factor * x . rows[j]; -inf from `count` up to whole registers.
  static void dots(const T* x, const T* rows, int64_t stride, int64_t count, int64_t features, T factor, T* to) {
    for (int64_t j = 0; j < count; j += V::size) {
      V sums[V::size];
      const int64_t here = Tools::least(V::size, count - j);
      for (int64_t r = 0; r < V::size; ++r) {
        V sum(T(0));
        const T* row = rows + (j + (r < here ? r : 0)) * stride;
        for (int64_t d = 0; d < features; d += V::size) sum = fma(V::load(x + d), V::load(row + d), sum);
        sums[r] = sum;
      }
      transpose(sums);
#pragma GCC unroll 4
      for (int half = V::size / 2; half > 0; half /= 2)
#pragma GCC unroll 8
        for (int r = 0; r < half; ++r) sums[r] += sums[r + half];
      (sums[0] * V(factor)).store(to + j);
      for (int64_t r = here; r < V::size; ++r) to[j + r] = -Tools::infinity;
    }
  }

  /// sums = sums * factor + weights . rows; with `skip`, rows of weight 0 are left out (they may hold a NaN).
  static void add_rows(const T* weights, const T* rows, int64_t stride, int64_t count, int64_t features, V factor,
                       bool skip, T* sums) {
    constexpr int wide = 4;
    for (int64_t d = 0; d < features; d += wide * V::size) {
      const int vectors = static_cast<int>(Tools::least(wide, (features - d) / V::size));
      V sum[wide];
      for (int v = 0; v < wide; ++v) sum[v] = v < vectors ? V::load(sums + d + v * V::size) * factor : V(T(0));
      if (vectors == wide && !skip) {
        for (int64_t j = 0; j < count; ++j) {
          const V weight(weights[j]);
#pragma GCC unroll 4
          for (int v = 0; v < wide; ++v) sum[v] = fma(weight, V::load(rows + j * stride + d + v * V::size), sum[v]);
        }
      } else {
        for (int64_t j = 0; j < count; ++j) {
          if (skip && weights[j] == 0) continue;
          const V weight(weights[j]);
          for (int v = 0; v < vectors; ++v) sum[v] = fma(weight, V::load(rows + j * stride + d + v * V::size), sum[v]);
        }
      }
      for (int v = 0; v < vectors; ++v) sum[v].store(sums + d + v * V::size);
    }
  }
};

}  // namespace weft::cpu
