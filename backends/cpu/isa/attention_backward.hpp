#pragma once

#include <weft/backends/cpu/isa/attention_few.hpp>
#include <weft/backends/cpu/isa/attention_key_chunk.hpp>
#include <weft/backends/cpu/isa/attention_score_gradient.hpp>

namespace weft::cpu {

/// Recomputes the weights block by block: five products of matrices, nothing stored that grows with Lq * Lk.
template <class T, class Arch> class AttentionBackward {
  using Tools = AttentionTools<T, Arch>;
  using Block = QueryBlock<T, Arch>;
  using Keys = KeyBlock<T>;
  using Tile = AttentionTile<T, Arch>;
  using V = Vec<T, Arch>;
  static constexpr int64_t block_keys = attention_backward_keys<T>;

 public:
  static int64_t scratch(const AttentionArgs<T>& a) {
    return ScoreGradient<T, Arch>::scratch(a) + (attention_queries + block_keys) * Tools::padded(a.head_dim) +
           KeyChunk<T, Arch>::scratch(a);
  }

  static void run(const AttentionGradArgs<T>& args, const AttentionKeys& keys, const HeadRows<T*>& d_query, T* d_null,
                  T* scratch) {
    using Few = AttentionFew<T, Arch>;
    const AttentionArgs<T>& a = args.call;
    if (Few::serves(a)) {
      const int64_t group = a.heads / a.kv_heads, first = keys.kv_head * group;
      for (int64_t h = first; h < first + group; ++h) Few::backward(args, keys, h, d_query, h > first);
      return;
    }
    AttentionBackward(args, static_cast<T>(a.scale), scratch).keys_and_queries(keys, d_query, d_null);
  }

  static void bias(const AttentionGradArgs<T>& args, int64_t part, T* scratch) {
    AttentionBackward work(args, T(1), scratch);
    const AttentionArgs<T>& a = args.call;
    const HeadGrid<T*>& to = args.d_bias;
    // Along an axis that the bias lacks, one part sums over all of it, in order.
    int64_t blocks = attention_blocks(a), heads = a.heads, batch = a.batch;
    auto range = [&](int64_t stride, int64_t extent, int64_t& begin, int64_t& end) {
      begin = stride == 0 ? 0 : part % extent;
      end = stride == 0 ? extent : begin + 1;
      if (stride != 0) part /= extent;
    };
    int64_t b0, b1, h0, h1, q0, q1;
    range(to.query, blocks, q0, q1);
    range(to.head, heads, h0, h1);
    range(to.batch, batch, b0, b1);
    const int64_t rows_end = to.query == 0 ? 1 : Tools::least(q1 * attention_queries, a.query_length);
    for (int64_t i = q0 * attention_queries; i < rows_end; ++i)
      for (int64_t k = 0; k < (to.key == 0 ? 1 : a.key_length); ++k)
        to.data[b0 * to.batch + h0 * to.head + i * to.query + k * to.key] = 0;
    for (int64_t b = b0; b < b1; ++b)
      for (int64_t h = h0; h < h1; ++h)
        for (int64_t block = q0; block < q1; ++block) work.bias_block(Block::make(a, b, h, block));
  }

 private:
  AttentionBackward(const AttentionGradArgs<T>& args, T factor, T* scratch)
      : g(args),
        a(args.call),
        wide(Tools::padded(a.head_dim)),
        score(args, factor, scratch),
        d_query_rows(scratch + ScoreGradient<T, Arch>::scratch(a)),
        key_rows(d_query_rows + attention_queries * wide),
        chunk(args, key_rows + block_keys * wide) {}

  void keys_and_queries(const AttentionKeys& keys, const HeadRows<T*>& d_query, T* d_null) {
    if (keys.null_slot) Tools::clear(d_null, a.head_dim + a.value_dim);
    if (!KeyChunk<T, Arch>::copies(a) || keys.first >= keys.last) {
      chunk_and_queries(keys, d_query, d_null, false);
      return;
    }
    const int64_t size = KeyChunk<T, Arch>::size(a);
    for (int64_t k = keys.first; k < keys.last; k += size) {
      const bool first = k == keys.first;
      const AttentionKeys some{keys.batch, keys.kv_head, k, Tools::least(k + size, keys.last), keys.null_slot && first};
      chunk.copy_in(some);
      chunk_and_queries(some, d_query, d_null, !first);
      chunk.copy_out(some);
    }
  }

  void chunk_and_queries(const AttentionKeys& keys, const HeadRows<T*>& d_query, T* d_null, bool add) {
    const int64_t group = a.heads / a.kv_heads;
    fresh = true;
    for (int64_t h = keys.kv_head * group; h < (keys.kv_head + 1) * group; ++h) {
      for (int64_t block = 0; block < attention_blocks(a); ++block) {
        Block q = Block::make(a, keys.batch, h, block);
        query_block(q, keys, d_null);
        if (d_query.data) write_queries(q, block, d_query, add);
      }
    }
    if (fresh) chunk.clear(keys.batch, keys.kv_head, keys.first, keys.last);
  }

  void query_block(const Block& q, const AttentionKeys& keys, T* d_null) {
    started = false;
    if (q.count == 0) return;
    int64_t begin = Tools::most(q.begin(), keys.first), end = Tools::least(q.end(), keys.last);
    const bool spread = a.fully_masked == FullyMasked::uniform && g.d_value.data;
    if (begin >= end && !keys.null_slot && !spread) return;
    score.prepare(q);
    // Whoever is first to reach all keys may write; all others add.
    const bool write = fresh && begin == keys.first && end == keys.last && !(spread && score.dead != 0);
    if (fresh && !write) chunk.clear(keys.batch, keys.kv_head, keys.first, keys.last);
    fresh = false;
    if (spread && score.dead != 0) spread_evenly(q, keys);
    q.for_each_key_block(begin, end, block_keys, [&](int64_t k, int64_t n) {
      Seen sees = score.see(q, k, n);
      if (sees == Seen::none) {
        if (write) chunk.clear(keys.batch, keys.kv_head, k, k + n);
        return;
      }
      gradients(q, chunk.block(q.batch, q.kv_head, k, n), sees,
                {chunk.d_key(q.batch, q.kv_head, k), chunk.d_key_stride(), chunk.d_value(q.batch, q.kv_head, k),
                 chunk.d_value_stride(), !write});
    });
    if (keys.null_slot) gradients(q, q.null_slot(), score.see_null_slot(), {d_null, 0, d_null + a.head_dim, 0, true});
  }

  /// Narrows the lanes to those that may see the keys.
  struct Band {
    const Block& q;
    const Keys& block;
    Seen sees;
    WEFT_SIMD_INLINE void operator()(int64_t j, int64_t n, int64_t& begin, int64_t& end) const {
      if (sees == Seen::some && !block.null_slot) q.lanes_of(block.first + j, n, begin, end);
    }
  };
  /// Where the gradients of a block of keys go; either may be null.
  struct KeyGradients {
    T* key;
    int64_t key_stride;
    T* value;
    int64_t value_stride;
    bool add;
  };

  /// The gradients of one block of keys and values; those of the queries are added to d_query_rows.
  void gradients(const Block& q, const Keys& block, Seen sees, const KeyGradients& to) {
    const int64_t n = block.count;
    const bool banded = sees == Seen::some && !block.null_slot;
    const Band lanes_seen{q, block, sees};
    const T* used = score.recompute(q, block, sees);
    if (to.value)
      Tile::product_block(
          {q.count, used, q.lanes, 1, score.d_out_rows, score.d_out_stride, to.value, to.value_stride, to.add, 0}, n,
          a.value_dim, lanes_seen);
    if (!to.key && !g.d_query.data) return;
    score.differentiate(q, block, sees);
    score.through_cap(q, n);
    if (to.key)
      Tile::product_block(
          {q.count, score.d_scores, q.lanes, 1, score.query_rows, score.query_stride, to.key, to.key_stride, to.add, 0},
          n, a.head_dim, lanes_seen);
    if (!g.d_query.data) return;
    const T* key = block.key;
    int64_t stride = block.key_stride;
    // 0 * NaN is NaN: keys that are not finite are left out of the product, and added where they count.
    bool infinite = score.careful(block, sees) && Tools::find_infinite(key, stride, n, a.head_dim, apart);
    if (infinite || a.head_dim % V::size != 0) {
      Tools::pack_rows(key, stride, n, a.head_dim, T(1), key_rows, infinite ? apart : nullptr);
      key = key_rows;
      stride = wide;
    }
    Tile::product_block({n, score.d_scores, 1, q.lanes, key, stride, d_query_rows, wide, started, 0}, q.count,
                        a.head_dim, [&](int64_t i, int64_t m, int64_t& begin, int64_t& end) {
                          if (banded) q.keys_of(block.first, i, m, begin, end);
                        });
    for (int64_t j = 0; infinite && j < n; ++j)
      for (int64_t i = 0; apart[j] && i < q.count; ++i) {
        T d = score.d_scores[j * q.lanes + i];
        for (int64_t c = 0; d != 0 && c < a.head_dim; ++c)
          d_query_rows[i * wide + c] += d * block.key[j * block.key_stride + c];
      }
    started = true;
  }

  /// Queries that attend to nothing give their gradient to all values in equal parts.
  void spread_evenly(const Block& q, const AttentionKeys& keys) {
    const bool drops = a.dropout_rate > 0;
    const T weight = T(1) / static_cast<T>(a.key_length), factor = drops ? weight * q.kept_factor() : weight;
    for (int64_t i = 0; i < q.count; ++i) {
      if (!(score.dead >> i & 1)) continue;
      const T* d_out = Tools::row_of(g.d_out, q.batch, q.first + i, q.head);
      for (int64_t k = keys.first; k < keys.last; k += 32) {
        int64_t n = Tools::least(32, keys.last - k);
        uint64_t bits = drops ? q.kept_row(i, k, n) : ~uint64_t{0};
        for (int64_t j = 0; j < n; ++j) {
          T* sum = chunk.d_value(q.batch, q.kv_head, k + j);
          for (int64_t d = 0; (bits >> j & 1) && d < a.value_dim; ++d) sum[d] += factor * d_out[d];
        }
      }
    }
  }

  void write_queries(const Block& q, int64_t block, const HeadRows<T*>& d_query, bool add) const {
    int64_t rows = Tools::least(attention_queries, a.query_length - block * attention_queries);
    for (int64_t i = 0; i < rows; ++i) {
      T* to = Tools::row_of(d_query, q.batch, q.first + i, q.head);
      if (i >= q.count || !started) {
        if (!add) Tools::clear(to, a.head_dim);
        continue;
      }
      const T* from = d_query_rows + i * wide;
      for (int64_t d = 0; d < a.head_dim; d += V::size) {
        const int left = static_cast<int>(Tools::least(V::size, a.head_dim - d));
        V sum = V::load(from + d);
        if (left == V::size) (add ? sum + V::load(to + d) : sum).store(to + d);
        else (add ? sum + V::load(to + d, left) : sum).store(to + d, left);
      }
    }
  }

  void bias_block(const Block& q) {
    if (q.count == 0) return;
    score.prepare(q);
    const HeadGrid<T*>& to = g.d_bias;
    T* at = to.data + q.batch * to.batch + q.head * to.head + q.first * to.query;
    q.for_each_key_block(0, a.key_length, block_keys, [&](int64_t k, int64_t n) {
      Seen sees = score.see(q, k, n);
      if (sees == Seen::none) return;
      const Keys block = q.keys_at(k, n);
      score.recompute(q, block, sees);
      score.differentiate(q, block, sees);
      for (int64_t i = 0; i < q.count; ++i)
        for (int64_t j = 0; j < n; ++j) at[i * to.query + (k + j) * to.key] += score.d_scores[j * q.lanes + i];
    });
  }

  const AttentionGradArgs<T>& g;
  const AttentionArgs<T>& a;
  int64_t wide;  // columns of the rows below
  ScoreGradient<T, Arch> score;
  T* d_query_rows;  // [lane][D]
  T* key_rows;      // [key][D]
  KeyChunk<T, Arch> chunk;
  bool fresh = false;    // nobody has written gradients of the keys
  bool started = false;  // d_query_rows holds something
  bool apart[block_keys];
};

}  // namespace weft::cpu
