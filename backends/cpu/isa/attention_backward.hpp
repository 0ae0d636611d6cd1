#pragma once

#include <weft/backends/cpu/isa/attention_block.hpp>

namespace weft::cpu {

/// Recomputes the weights from the logsumexp, block by block: five products of matrices, nothing stored that grows with
/// Lq * Lk. With P the weights and d_P = d_out . V: d_logits = P * (d_P - delta), where delta is the sum of P * d_P
/// over a row, which equals d_out . out. Dao et al., "FlashAttention", 2022.
template <class T, class Arch> class AttentionBackward {
  using Tools = AttentionTools<T, Arch>;
  using Block = QueryBlock<T, Arch>;
  using Keys = KeyBlock<T>;
  using V = Vec<T, Arch>;
  static constexpr int64_t block_keys = attention_backward_keys<T>;

 public:
  static int64_t scratch(const AttentionArgs<T>& a) {
    int64_t wide = Tools::padded(a.head_dim), value_wide = Tools::padded(a.value_dim);
    return attention_queries * (a.head_dim + a.value_dim + 2 * wide + value_wide + 6 * block_keys + 2) +
           block_keys * wide;
  }

  static void run(const AttentionGradArgs<T>& args, const AttentionKeys& keys, const HeadRows<T*>& d_query, T* d_null,
                  T* scratch) {
    AttentionBackward work(args, scratch);
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
    query_rows = take(attention_queries * wide);
    d_out_rows = take(attention_queries * value_wide);
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
  }

  void keys_and_queries(const AttentionKeys& keys, const HeadRows<T*>& d_query, T* d_null) {
    const int64_t group = a.heads / a.kv_heads;
    fresh = true;
    if (keys.null_slot) Tools::clear(d_null, a.head_dim + a.value_dim);
    for (int64_t h = keys.kv_head * group; h < (keys.kv_head + 1) * group; ++h) {
      for (int64_t block = 0; block < attention_blocks(a); ++block) {
        Block q = Block::make(a, keys.batch, h, block);
        query_block(q, keys, d_null);
        if (d_query.data) write_queries(q, block, d_query);
      }
    }
    if (fresh) clear_keys(keys.batch, keys.kv_head, keys.first, keys.last);
  }

  void clear_keys(int64_t batch, int64_t kv_head, int64_t first, int64_t last) {
    for (int64_t k = first; k < last; ++k) {
      if (g.d_key.data) Tools::clear(Tools::row_of(g.d_key, batch, k, kv_head), a.head_dim);
      if (g.d_value.data) Tools::clear(Tools::row_of(g.d_value, batch, k, kv_head), a.value_dim);
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
    for_each_key_block(begin, end, block_keys, [&](int64_t k, int64_t n) {
      Seen sees = see(q, k, n);
      if (sees == Seen::none) {
        if (write) clear_keys(keys.batch, keys.kv_head, k, k + n);
        return;
      }
      T* d_key = g.d_key.data ? Tools::row_of(g.d_key, q.batch, k, q.kv_head) : nullptr;
      T* d_value = g.d_value.data ? Tools::row_of(g.d_value, q.batch, k, q.kv_head) : nullptr;
      gradients(q, q.keys_at(k, n), sees, {d_key, g.d_key.length, d_value, g.d_value.length, !write});
    });
    if (keys.null_slot) gradients(q, q.null_slot(), see_null_slot(), {d_null, 0, d_null + a.head_dim, 0, true});
  }

  /// Operands in both layouts, and one number per query. Queries that attend to nothing are dead.
  void prepare(const Block& q) {
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
      delta[i] = dot(Tools::row_of(g.d_out, q.batch, q.first + i, q.head),
                     Tools::row_of(a.out, q.batch, q.first + i, q.head), a.value_dim);
      if (g.d_weights) delta[i] += dot(a.weights + weight_row(q, i), g.d_weights + weight_row(q, i), a.columns());
      if (g.d_logsumexp) delta[i] -= g.d_logsumexp[slot];
    }
    const T* query = Tools::row_of(a.query, q.batch, q.first, q.head);
    const T* d_out = Tools::row_of(g.d_out, q.batch, q.first, q.head);
    double factor = a.soft_cap > 0 ? a.scale : a.scale * Tools::log2e;
    Tools::pack_transposed(query, a.query.length, q.count, a.head_dim, static_cast<T>(factor), query_columns, q.lanes);
    Tools::pack_transposed(d_out, g.d_out.length, q.count, a.value_dim, T(1), d_out_columns, q.lanes);
    Tools::pack_rows(query, a.query.length, q.count, a.head_dim, static_cast<T>(a.scale), query_rows, skip);
    Tools::pack_rows(d_out, g.d_out.length, q.count, a.value_dim, T(1), d_out_rows, skip);
  }

  int64_t weight_row(const Block& q, int64_t i) const {
    return ((q.batch * a.heads + q.head) * a.query_length + q.first + i) * a.columns();
  }

  static WEFT_SIMD_INLINE T dot(const T* x, const T* y, int64_t count) {
    V sum(T(0));
    int64_t i = 0;
    for (; i + V::size <= count; i += V::size) sum = fma(V::load(x + i), V::load(y + i), sum);
    if (i < count) {
      int left = static_cast<int>(count - i);
      sum = fma(V::load(x + i, left), V::load(y + i, left), sum);
    }
    return reduce_add(sum);
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
    compute_weights(q, block, sees);
    const T* used = a.dropout_rate > 0 ? drop(q, block) : weights;
    if (to.value)
      Tools::multiply({.m = n,
                       .n = a.value_dim,
                       .k = q.count,
                       .a = used,
                       .a_row = q.lanes,
                       .a_col = 1,
                       .b = d_out_rows,
                       .b_row = value_wide,
                       .c = to.value,
                       .c_row = to.value_stride,
                       .accumulate = to.add});
    if (!to.key && !g.d_query.data) return;
    differentiate(q, block, sees);
    if (a.soft_cap > 0)
      for (int64_t i = 0; i < n * q.lanes; i += V::size) {
        V t = V::load(tanhs + i), d = V::load(d_scores + i);
        // Where nothing is seen the tanh may be NaN.
        select(d == V(T(0)), d, d * (V(T(1)) - t * t)).store(d_scores + i);
      }
    if (to.key)
      Tools::multiply({.m = n,
                       .n = a.head_dim,
                       .k = q.count,
                       .a = d_scores,
                       .a_row = q.lanes,
                       .a_col = 1,
                       .b = query_rows,
                       .b_row = wide,
                       .c = to.key,
                       .c_row = to.key_stride,
                       .accumulate = to.add});
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
    Tools::multiply({.m = q.count,
                     .n = a.head_dim,
                     .k = n,
                     .a = d_scores,
                     .a_row = 1,
                     .a_col = q.lanes,
                     .b = key,
                     .b_row = stride,
                     .c = d_query_rows,
                     .c_row = wide,
                     .accumulate = started});
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

  /// weights = exp(logits - logsumexp)
  void compute_weights(const Block& q, const Keys& block, Seen sees) {
    Tools::multiply({.m = block.count,
                     .n = q.lanes,
                     .k = a.head_dim,
                     .a = block.key,
                     .a_row = block.key_stride,
                     .a_col = 1,
                     .b = query_columns,
                     .b_row = q.lanes,
                     .c = weights,
                     .c_row = q.lanes});
    const bool biased = a.bias.data && !block.null_slot, capped = a.soft_cap > 0;
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
    Tools::multiply({.m = block.count,
                     .n = q.lanes,
                     .k = a.value_dim,
                     .a = block.value,
                     .a_row = block.value_stride,
                     .a_col = 1,
                     .b = d_out_columns,
                     .b_row = q.lanes,
                     .c = d_scores,
                     .c_row = q.lanes});
    const bool drops = a.dropout_rate > 0, check = careful(block, sees);
    if (g.d_weights)
      Tools::pack_transposed(g.d_weights + weight_row(q, 0) + block.first, a.columns(), q.count, block.count, T(1),
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
          T* d_value = Tools::row_of(g.d_value, q.batch, k + j, q.kv_head);
          for (int64_t d = 0; (bits >> j & 1) && d < a.value_dim; ++d) d_value[d] += factor * d_out[d];
        }
      }
    }
  }

  void write_queries(const Block& q, int64_t block, const HeadRows<T*>& d_query) {
    int64_t rows = Tools::least(attention_queries, a.query_length - block * attention_queries);
    const V factor(static_cast<T>(a.scale));
    for (int64_t i = 0; i < rows; ++i) {
      T* to = Tools::row_of(d_query, q.batch, q.first + i, q.head);
      if (i >= q.count || !started) {
        Tools::clear(to, a.head_dim);
        continue;
      }
      const T* from = d_query_rows + i * wide;
      int64_t d = 0;
      for (; d + V::size <= a.head_dim; d += V::size) (V::load(from + d) * factor).store(to + d);
      if (d < a.head_dim) (V::load(from + d) * factor).store(to + d, static_cast<int>(a.head_dim - d));
    }
  }

  void bias_block(const Block& q) {
    if (q.count == 0) return;
    prepare(q);
    const HeadGrid<T*>& to = g.d_bias;
    T* at = to.data + q.batch * to.batch + q.head * to.head + q.first * to.query;
    for_each_key_block(q.begin(), q.end(), block_keys, [&](int64_t k, int64_t n) {
      Seen sees = see(q, k, n);
      if (sees == Seen::none) return;
      Keys block = q.keys_at(k, n);
      compute_weights(q, block, sees);
      if (a.dropout_rate > 0) q.keep(k, n, kept);
      differentiate(q, block, sees);
      for (int64_t i = 0; i < q.count; ++i)
        for (int64_t j = 0; j < n; ++j) at[i * to.query + (k + j) * to.key] += d_scores[j * q.lanes + i];
    });
  }

  const AttentionGradArgs<T>& g;
  const AttentionArgs<T>& a;
  int64_t wide = 0, value_wide = 0;                               // columns of rows below
  T *query_columns = nullptr, *d_out_columns = nullptr;           // [D][lane], [Dv][lane]
  T *query_rows = nullptr, *d_out_rows = nullptr;                 // [lane][D], [lane][Dv]; dead queries are 0
  T* d_query_rows = nullptr;                                      // [lane][D]
  T *weights = nullptr, *d_scores = nullptr, *dropped = nullptr;  // [key][lane]
  T *tanhs = nullptr, *biases = nullptr, *d_weights = nullptr;    // [key][lane]
  T *logsumexp = nullptr, *delta = nullptr;                       // [lane]; logsumexp in base 2
  T* key_rows = nullptr;                                          // [key][D]
  uint64_t dead = 0;                                              // lanes that attend to nothing
  bool fresh = false;                                             // nobody has written gradients of the keys
  bool started = false;                                           // d_query_rows holds something
  uint64_t seen[block_keys], kept[block_keys];
  bool apart[block_keys];
};

}  // namespace weft::cpu
