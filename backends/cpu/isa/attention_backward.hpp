#pragma once

#include <weft/backends/cpu/isa/attention_few.hpp>

namespace weft::cpu {

/// Recomputes the weights from the logsumexp, block by block: five products of matrices, nothing stored that grows with
/// Lq * Lk. With P the weights and d_P = d_out . V: d_logits = P * (d_P - delta), where delta is the sum of P * d_P
/// over a row, which equals d_out . out. Dao et al., "FlashAttention", 2022.
template <class T, class Arch> class AttentionBackward {
  using Tools = AttentionTools<T, Arch>;
  using Block = QueryBlock<T, Arch>;
  using Keys = KeyBlock<T>;
  using Tile = AttentionTile<T, Arch>;
  using V = Vec<T, Arch>;
  static constexpr int64_t block_keys = attention_backward_keys<T>;

 public:
  static int64_t scratch(const AttentionArgs<T>& a) {
    int64_t wide = Tools::padded(a.head_dim), value_wide = Tools::padded(a.value_dim);
    return attention_queries * (a.head_dim + a.value_dim + 2 * wide + value_wide + 6 * block_keys + 2) +
           block_keys * wide + (copies(a) ? 2 * chunk_keys(a) * (wide + value_wide) : 0);
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
    AttentionBackward work(args, scratch);
    work.scale = static_cast<T>(args.call.scale);
    work.keys_and_queries(keys, d_query, d_null);
  }

  static void bias(const AttentionGradArgs<T>& args, int64_t part, T* scratch) {
    AttentionBackward work(args, scratch);
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
  AttentionBackward(const AttentionGradArgs<T>& args, T* scratch) : g(args), a(args.call) {
    auto take = [&](int64_t count) {
      T* taken = scratch;
      scratch += count;
      return taken;
    };
    wide = Tools::padded(a.head_dim);
    value_wide = Tools::padded(a.value_dim);
    query_columns = take(attention_queries * a.head_dim);
    d_out_columns = take(attention_queries * a.value_dim);
    query_copy = take(attention_queries * wide);
    d_out_copy = take(attention_queries * value_wide);
    d_query_rows = take(attention_queries * wide);
    weights = take(attention_queries * block_keys);
    d_scores = take(attention_queries * block_keys);
    dropped = take(attention_queries * block_keys);
    tanhs = take(attention_queries * block_keys);
    biases = take(attention_queries * block_keys);
    d_weights = take(attention_queries * block_keys);
    logsumexp = take(attention_queries);
    delta = take(attention_queries);
    key_rows = take(block_keys * wide);
    key = a.key, value = a.value;
    d_key = g.d_key, d_value = g.d_value;
    if (copies(a)) {
      const int64_t rows = chunk_keys(a);
      key_copy = take(rows * wide);
      value_copy = take(rows * value_wide);
      d_key_copy = take(rows * wide);
      d_value_copy = take(rows * value_wide);
    }
  }

  /// Whether keys and values are copied: if there are gaps between rows and enough queries to pay for it.
  static bool copies(const AttentionArgs<T>& a) {
    const int64_t uses = attention_blocks(a) * (a.heads / a.kv_heads);
    return uses >= 3 && (a.key.length != Tools::padded(a.head_dim) || a.value.length != Tools::padded(a.value_dim));
  }
  /// Keys that are copied at a time, with the gradients they gather, so that many queries in turn find them in half of
  /// a second-level cache of 1 MiB, whose sets rows with large strides would share.
  static int64_t chunk_keys(const AttentionArgs<T>& a) {
    constexpr int64_t room = 512 * 1024 / sizeof(T) / 2;
    const int64_t keys = room / (Tools::padded(a.head_dim) + Tools::padded(a.value_dim)) / block_keys * block_keys;
    return Tools::least(Tools::most(keys, 2 * block_keys), a.key_length);
  }
  template <class P> P at(const HeadRows<P>& rows, int64_t batch, int64_t k, int64_t kv_head) const {
    return Tools::row_of(rows, batch, k - origin, kv_head);
  }

  void keys_and_queries(const AttentionKeys& keys, const HeadRows<T*>& d_query, T* d_null) {
    if (keys.null_slot) Tools::clear(d_null, a.head_dim + a.value_dim);
    if (!copies(a) || keys.first >= keys.last) {
      chunk_and_queries(keys, d_query, d_null, false);
      return;
    }
    const int64_t size = chunk_keys(a);
    for (int64_t k = keys.first; k < keys.last; k += size) {
      const bool first = k == keys.first;
      const AttentionKeys chunk{keys.batch, keys.kv_head, k, Tools::least(k + size, keys.last),
                                keys.null_slot && first};
      copy_in(chunk);
      chunk_and_queries(chunk, d_query, d_null, !first);
      copy_out(chunk);
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
    if (fresh) clear_keys(keys.batch, keys.kv_head, keys.first, keys.last);
  }

  void copy_in(const AttentionKeys& chunk) {
    const int64_t rows = chunk.last - chunk.first;
    Tools::pack_rows(Tools::row_of(a.key, chunk.batch, chunk.first, chunk.kv_head), a.key.length, rows, a.head_dim,
                     T(1), key_copy, nullptr);
    Tools::pack_rows(Tools::row_of(a.value, chunk.batch, chunk.first, chunk.kv_head), a.value.length, rows, a.value_dim,
                     T(1), value_copy, nullptr);
    origin = chunk.first;
    key = {key_copy, 0, wide, 0};
    value = {value_copy, 0, value_wide, 0};
    if (g.d_key.data) d_key = {d_key_copy, 0, wide, 0};
    if (g.d_value.data) d_value = {d_value_copy, 0, value_wide, 0};
  }

  void copy_out(const AttentionKeys& chunk) const {
    auto copy = [&](const HeadRows<T*>& to, const T* from, int64_t columns, int64_t stride) {
      for (int64_t k = chunk.first; to.data && k < chunk.last; ++k, from += stride) {
        T* row = Tools::row_of(to, chunk.batch, k, chunk.kv_head);
        for (int64_t d = 0; d < columns; ++d) row[d] = from[d];
      }
    };
    copy(g.d_key, d_key_copy, a.head_dim, wide);
    copy(g.d_value, d_value_copy, a.value_dim, value_wide);
  }

  KeyBlock<T> keys_at(const Block& q, int64_t k, int64_t n) const {
    return {at(key, q.batch, k, q.kv_head), key.length, at(value, q.batch, k, q.kv_head), value.length, k, n, false};
  }

  void clear_keys(int64_t batch, int64_t kv_head, int64_t first, int64_t last) {
    for (int64_t k = first; k < last; ++k) {
      if (d_key.data) Tools::clear(at(d_key, batch, k, kv_head), a.head_dim);
      if (d_value.data) Tools::clear(at(d_value, batch, k, kv_head), a.value_dim);
    }
  }

  void query_block(const Block& q, const AttentionKeys& keys, T* d_null) {
    started = false;
    if (q.count == 0) return;
    int64_t begin = Tools::most(q.begin(), keys.first), end = Tools::least(q.end(), keys.last);
    const bool spread = a.fully_masked == FullyMasked::uniform && g.d_value.data;
    if (begin >= end && !keys.null_slot && !spread) return;
    prepare(q);
    // Whoever is first to reach all keys may write; all others add.
    const bool write = fresh && begin == keys.first && end == keys.last && !(spread && dead != 0);
    if (fresh && !write) clear_keys(keys.batch, keys.kv_head, keys.first, keys.last);
    fresh = false;
    if (spread && dead != 0) spread_evenly(q, keys);
    q.for_each_key_block(begin, end, block_keys, [&](int64_t k, int64_t n) {
      Seen sees = see(q, k, n);
      if (sees == Seen::none) {
        if (write) clear_keys(keys.batch, keys.kv_head, k, k + n);
        return;
      }
      gradients(q, keys_at(q, k, n), sees,
                {d_key.data ? at(d_key, q.batch, k, q.kv_head) : nullptr, d_key.length,
                 d_value.data ? at(d_value, q.batch, k, q.kv_head) : nullptr, d_value.length, !write});
    });
    if (keys.null_slot) gradients(q, q.null_slot(), see_null_slot(), {d_null, 0, d_null + a.head_dim, 0, true});
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

  /// Narrows the lanes to those that may see the keys.
  struct Band {
    const Block& q;
    const Keys& block;
    Seen sees;
    WEFT_SIMD_INLINE void operator()(int64_t j, int64_t n, int64_t& begin, int64_t& end) const {
      if (sees == Seen::some && !block.null_slot) q.lanes_of(block.first + j, n, begin, end);
    }
  };
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
    compute_weights(q, block, sees);
    const T* used = a.dropout_rate > 0 ? drop(q, block) : weights;
    if (to.value)
      Tile::product_block({q.count, used, q.lanes, 1, d_out_rows, d_out_stride, to.value, to.value_stride, to.add, 0},
                          n, a.value_dim, lanes_seen);
    if (!to.key && !g.d_query.data) return;
    differentiate(q, block, sees);
    if (a.soft_cap > 0)
      for (int64_t i = 0; i < n * q.lanes; i += V::size) {
        V t = V::load(tanhs + i), d = V::load(d_scores + i);
        // Where nothing is seen the tanh may be NaN.
        select(d == V(T(0)), d, d * (V(T(1)) - t * t)).store(d_scores + i);
      }
    if (to.key)
      Tile::product_block({q.count, d_scores, q.lanes, 1, query_rows, query_stride, to.key, to.key_stride, to.add, 0},
                          n, a.head_dim, lanes_seen);
    if (!g.d_query.data) return;
    const T* key = block.key;
    int64_t stride = block.key_stride;
    // 0 * NaN is NaN: keys that are not finite are left out of the product, and added where they count.
    bool infinite = careful(block, sees) && Tools::find_infinite(key, stride, n, a.head_dim, apart);
    if (infinite || a.head_dim % V::size != 0) {
      Tools::pack_rows(key, stride, n, a.head_dim, T(1), key_rows, infinite ? apart : nullptr);
      key = key_rows;
      stride = wide;
    }
    Tile::product_block({n, d_scores, 1, q.lanes, key, stride, d_query_rows, wide, started, 0}, q.count, a.head_dim,
                        [&](int64_t i, int64_t m, int64_t& begin, int64_t& end) {
                          if (banded) q.keys_of(block.first, i, m, begin, end);
                        });
    for (int64_t j = 0; infinite && j < n; ++j)
      for (int64_t i = 0; apart[j] && i < q.count; ++i) {
        T d = d_scores[j * q.lanes + i];
        for (int64_t c = 0; d != 0 && c < a.head_dim; ++c)
          d_query_rows[i * wide + c] += d * block.key[j * block.key_stride + c];
      }
    started = true;
  }

  /// Whether some weights are 0 because a query does not see a key.
  bool careful(const Keys& block, Seen sees) const { return sees == Seen::some || (a.bias.data && !block.null_slot); }

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

  /// weights = exp(logits - logsumexp)
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

  /// d_scores = the gradient of the logits.
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

  /// Queries that attend to nothing give their gradient to all values in equal parts.
  void spread_evenly(const Block& q, const AttentionKeys& keys) {
    const bool drops = a.dropout_rate > 0;
    const T weight = T(1) / static_cast<T>(a.key_length), factor = drops ? weight * q.kept_factor() : weight;
    for (int64_t i = 0; i < q.count; ++i) {
      if (!(dead >> i & 1)) continue;
      const T* d_out = Tools::row_of(g.d_out, q.batch, q.first + i, q.head);
      for (int64_t k = keys.first; k < keys.last; k += 32) {
        int64_t n = Tools::least(32, keys.last - k);
        uint64_t bits = drops ? q.kept_row(i, k, n) : ~uint64_t{0};
        for (int64_t j = 0; j < n; ++j) {
          T* sum = at(d_value, q.batch, k + j, q.kv_head);
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
    prepare(q);
    const HeadGrid<T*>& to = g.d_bias;
    T* at = to.data + q.batch * to.batch + q.head * to.head + q.first * to.query;
    q.for_each_key_block(0, a.key_length, block_keys, [&](int64_t k, int64_t n) {
      Seen sees = see(q, k, n);
      if (sees == Seen::none) return;
      Keys block = keys_at(q, k, n);
      compute_weights(q, block, sees);
      if (a.dropout_rate > 0) q.keep(k, n, kept);
      differentiate(q, block, sees);
      for (int64_t i = 0; i < q.count; ++i)
        for (int64_t j = 0; j < n; ++j) at[i * to.query + (k + j) * to.key] += d_scores[j * q.lanes + i];
    });
  }

  const AttentionGradArgs<T>& g;
  const AttentionArgs<T>& a;
  int64_t wide = 0, value_wide = 0;                      // columns of rows below
  T *query_columns = nullptr, *d_out_columns = nullptr;  // [D][lane], [Dv][lane]
  T *query_copy = nullptr, *d_out_copy = nullptr;        // [lane][D], [lane][Dv]; dead queries are 0
  const T *query_rows = nullptr, *d_out_rows = nullptr;  // those, or the tensors' own rows
  int64_t query_stride = 0, d_out_stride = 0;
  T scale = 1;                // of the logits; 1 for the bias's gradient, which that of the logits is
  T* d_query_rows = nullptr;  // [lane][D]
  T *weights = nullptr, *d_scores = nullptr, *dropped = nullptr;  // [key][lane]
  T *tanhs = nullptr, *biases = nullptr, *d_weights = nullptr;    // [key][lane]
  T *logsumexp = nullptr, *delta = nullptr;                       // [lane]; logsumexp in base 2
  T* key_rows = nullptr;                                          // [key][D]
  T *key_copy = nullptr, *value_copy = nullptr, *d_key_copy = nullptr, *d_value_copy = nullptr;
  HeadRows<const T*> key, value;  // the tensors, or copies that begin at key `origin`
  HeadRows<T*> d_key, d_value;
  int64_t origin = 0;
  bool next_fetched = false;
  uint64_t dead = 0;     // lanes that attend to nothing
  bool fresh = false;    // nobody has written gradients of the keys
  bool started = false;  // d_query_rows holds something
  uint64_t seen[block_keys], kept[block_keys];
  bool apart[block_keys];
};

}  // namespace weft::cpu
