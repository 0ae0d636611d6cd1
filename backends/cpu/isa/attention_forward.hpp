#pragma once

#include <weft/backends/cpu/isa/attention_few.hpp>
#include <weft/backends/cpu/isa/attention_softmax.hpp>

namespace weft::cpu {

/// A block of queries against all keys, block by block, with an online softmax in base 2: the factor log2(e) goes into
/// the queries. Dao et al., "FlashAttention", 2022.
template <class T, class Arch> class AttentionForward {
  using Tools = AttentionTools<T, Arch>;
  using Block = QueryBlock<T, Arch>;
  using Keys = KeyBlock<T>;
  using Tile = AttentionTile<T, Arch>;
  using V = Vec<T, Arch>;
  static constexpr int64_t block_keys = attention_forward_keys<T>;

 public:
  static int64_t scratch(const AttentionArgs<T>& a) {
    int64_t wide = Tools::padded(a.value_dim);
    return attention_queries * (a.head_dim + 2 * block_keys + wide + 5) + block_keys * wide +
           (packs(a) ? a.key_length * (Tools::padded(a.head_dim) + wide) : 0);
  }

  static void run(const AttentionArgs<T>& a, int64_t batch, int64_t head, int64_t block, uint64_t call,
                  PackedKeys& packed, T* scratch) {
    if (AttentionFew<T, Arch>::serves(a)) AttentionFew<T, Arch>::forward(a, batch, head);
    else AttentionForward(a, batch, head, block, call, packed, scratch).compute(block);
  }

 private:
  /// Keys and values that many blocks of queries read are copied, where they fit into the second-level cache and lie 2
  /// KB or a multiple of it apart: a few such rows claim all that the first-level cache has for them.
  static bool packs(const AttentionArgs<T>& a) {
    constexpr int64_t most_bytes = 1 << 20, crowded = 2048, least_blocks = 8;
    constexpr auto bytes = static_cast<int64_t>(sizeof(T));
    const bool everywhere = a.causal == Causal::none && a.window_left < 0 && a.window_right < 0;
    const int64_t wide = Tools::padded(a.head_dim) + Tools::padded(a.value_dim);
    return everywhere && a.query_length >= least_blocks * attention_queries && a.key.length * bytes % crowded == 0 &&
           a.key_length * wide * bytes <= most_bytes;
  }

  AttentionForward(const AttentionArgs<T>& args, int64_t batch, int64_t head, int64_t block, uint64_t call,
                   PackedKeys& known, T* scratch)
      : a(args), q(Block::make(args, batch, head, block)), packed(known) {
    auto take = [&](int64_t count) {
      T* taken = scratch;
      scratch += count;
      return taken;
    };
    wide = Tools::padded(a.value_dim);
    query = take(attention_queries * a.head_dim);
    scores = take(attention_queries * block_keys);
    bias = take(attention_queries * block_keys);
    sums = take(attention_queries * wide);
    softmax.scores = scores;
    softmax.lanes = q.lanes;
    softmax.base = take(attention_queries);
    softmax.limit = take(attention_queries);
    softmax.total = take(attention_queries);
    softmax.rescale = take(attention_queries);
    result = take(attention_queries);
    values = take(block_keys * wide);
    if (!packs(a)) return;
    packed_keys = take(a.key_length * Tools::padded(a.head_dim));
    packed_values = take(a.key_length * wide);
    if (packed.call != call || packed.batch != batch || packed.kv_head != q.kv_head)
      packed = {call, batch, q.kv_head, 0, 0};
  }

  void compute(int64_t block) {
    int64_t rows = Tools::least(attention_queries, a.query_length - block * attention_queries);
    if (q.count > 0) {
      double factor = a.soft_cap > 0 ? a.scale : a.scale * Tools::log2e;
      Tools::pack_transposed(Tools::row_of(a.query, q.batch, q.first, q.head), a.query.length, q.count, a.head_dim,
                             static_cast<T>(factor), query, q.lanes);
      softmax.start();
      if (a.null_key) attend(q.null_slot(), Seen::all);
      q.for_each_key_block(0, a.key_length, block_keys, [&](int64_t k, int64_t n) {
        Seen sees = q.see(k, n, seen);
        if (sees != Seen::none) attend(packed_keys ? pack(k, n) : q.keys_at(k, n), sees);
      });
      finish();
      if (a.weights) write_weights();
    }
    for (int64_t i = q.count; i < rows; ++i) clear_row(block * attention_queries + i);
  }

  /// The keys [k, k + n) without gaps between rows, copied unless they have been.
  Keys pack(int64_t k, int64_t n) {
    const int64_t key_wide = Tools::padded(a.head_dim);
    if (k > packed.end || k + n < packed.begin || packed.begin == packed.end) packed.begin = packed.end = k;
    auto copy = [&](int64_t first, int64_t last) {
      if (first >= last) return;
      const Keys from = q.keys_at(first, last - first);
      Tools::pack_rows(from.key, from.key_stride, from.count, a.head_dim, T(1), packed_keys + first * key_wide,
                       nullptr);
      Tools::pack_rows(from.value, from.value_stride, from.count, a.value_dim, T(1), packed_values + first * wide,
                       nullptr);
    };
    fresh = k < packed.begin || k + n > packed.end;
    copy(k, packed.begin);
    copy(packed.end, k + n);
    packed.begin = Tools::least(packed.begin, k);
    packed.end = Tools::most(packed.end, k + n);
    return {packed_keys + k * key_wide, key_wide, packed_values + k * wide, wide, k, n, false};
  }

  void attend(const Keys& block, Seen sees) {
    const bool biased = a.bias.data && !block.null_slot;
    softmax.risen = false;
    if (a.soft_cap > 0 || biased) {
      score(block, sees);
      exponentials(block, sees);
    } else {
      ScoreCall<T> call = score_call(block);
      call.seen = sees == Seen::some ? seen : nullptr;
      auto refused = [&](int64_t j, int64_t n, int64_t i, int64_t width) { softmax.raise(j, n, i, width); };
      if (cut(block, sees)) {
        clear_unreached(block);
        Tile::template score_block<ScoreKind::exponential>(call, block.count, Tile::narrow, reach(block), refused);
      } else {
        Tile::template score_block<ScoreKind::exponential>(call, block.count, Tile::panel, Everything(), refused);
      }
    }
    if (a.dropout_rate > 0) drop(block);
    accumulate(block, sees);
    started = true;
  }

  /// Whether there are keys of which some queries, by their position, see nothing.
  bool cut(const Keys& block, Seen sees) const {
    return sees == Seen::some && !block.null_slot && q.cuts(block.first, block.count);
  }

  /// Narrows [begin, end) to those of the block's keys that some of the lanes [i, i + m) may see by their position.
  auto reach(const Keys& block) const {
    return [this, first = block.first](int64_t i, int64_t m, int64_t& begin, int64_t& end) {
      q.keys_of(first, i, m, begin, end);
    };
  }
  /// The weights of keys that lanes do not reach are 0: the products' tiles are not those of the scores.
  void clear_unreached(const Keys& block) {
    for (int64_t i = 0; i < q.lanes; i += Tile::narrow) {
      const int64_t width = Tools::least(Tile::narrow, q.lanes - i);
      int64_t begin = 0, end = block.count;
      q.keys_of(block.first, i, width, begin, end);
      auto clear = [&](int64_t from, int64_t to) {
        for (int64_t j = from; j < to; ++j)
          for (int64_t l = i; l < i + width; l += V::size) V(T(0)).store(scores + j * q.lanes + l);
      };
      clear(0, begin);
      clear(end, block.count);
    }
  }

  ScoreCall<T> score_call(const Keys& block) const {
    ScoreCall<T> call{};
    call.depth = a.head_dim;
    call.a = block.key;
    call.a_row = block.key_stride;
    call.b = query;
    call.c = scores;
    call.lanes = q.lanes;
    call.from = softmax.base;
    call.limit = softmax.limit;
    call.slack = softmax.slack;
    call.fresh = !started;
    call.total = softmax.total;
    // What few queries read is read so fast that fetching ahead costs more than it saves.
    if (q.lanes < Tile::panel) return call;
    call.soon = {block.key + Tile::rows(Tile::vectors) * block.key_stride, block.key_stride, a.head_dim, block.count};
    if (!packed_keys) {
      call.later = {block.value, block.value_stride, a.value_dim, block.count};
    } else if (fresh) {
      const int64_t after = block.first + block.count, count = Tools::least(block.count, q.keys - after);
      const Keys ahead = q.keys_at(after, count);
      call.later = {ahead.value, ahead.value_stride, a.value_dim, count};
      call.next = {ahead.key, ahead.key_stride, a.head_dim, count};
    }
    if (started) return call;
    call.written = {Tools::row_of(a.out, q.batch, q.first, q.head), a.out.length, a.value_dim, q.count};
    if (!call.next.data) call.next = {next_queries(), a.query.length, a.head_dim, attention_queries};
    return call;
  }

  /// Blocks of a head come from the last to the first.
  const T* next_queries() const {
    if (q.first > 0) return Tools::row_of(a.query, q.batch, q.first - attention_queries, q.head);
    if (q.head + 1 == a.heads) return nullptr;
    return Tools::row_of(a.query, q.batch, (a.query_length - 1) / attention_queries * attention_queries, q.head + 1);
  }

  /// The logits times log2(e), -inf where masked; of keys that a register of lanes does not reach, nothing.
  void score(const Keys& block, Seen sees) {
    auto nothing_refuses = [](int64_t, int64_t, int64_t, int64_t) {};
    if (cut(block, sees)) {
      Tile::template score_block<ScoreKind::plain>(score_call(block), block.count, Tile::narrow, reach(block),
                                                   nothing_refuses);
    } else {
      Tile::template score_block<ScoreKind::plain>(score_call(block), block.count, Tile::panel, Everything(),
                                                   nothing_refuses);
    }
    const bool biased = a.bias.data && !block.null_slot;
    if (a.soft_cap <= 0 && !biased && sees == Seen::all) return;
    if (biased) q.pack_bias(block.first, block.count, bias);
    const V cap(static_cast<T>(a.soft_cap)), per_cap(static_cast<T>(1 / a.soft_cap)),
        to_base_2(static_cast<T>(Tools::log2e));
    const V nothing(-Tools::infinity);
    for_seen(block, sees, [&](int64_t i, int64_t begin, int64_t end) {
      for (int64_t j = begin; j < end; ++j) {
        V x = V::load(scores + j * q.lanes + i);
        if (a.soft_cap > 0) x = cap * tanh(x * per_cap) * to_base_2;
        if (biased) x = Tools::add_bias(x, V::load(bias + j * q.lanes + i));
        if (sees == Seen::some) x = select(lane_mask<T, Arch>(seen[j] >> i), x, nothing);
        x.store(scores + j * q.lanes + i);
      }
    });
  }

  /// Calls f(i, begin, end) for each register of lanes from lane i on: they may see the block's keys [begin, end).
  template <class F> WEFT_SIMD_INLINE void for_seen(const Keys& block, Seen sees, F&& f) const {
    const bool narrow = cut(block, sees);
    for (int64_t i = 0; i < q.lanes; i += V::size) {
      int64_t begin = 0, end = block.count;
      if (narrow) q.keys_of(block.first, i, V::size, begin, end);
      f(i, begin, end);
    }
  }

  void exponentials(const Keys& block, Seen sees) {
    for_seen(block, sees, [&](int64_t i, int64_t begin, int64_t end) {
      softmax.exponentials(i, begin, end);
      T* column = scores + i;
      for (int64_t j = 0; j < begin; ++j) V(T(0)).store(column + j * q.lanes);
      for (int64_t j = end; j < block.count; ++j) V(T(0)).store(column + j * q.lanes);
    });
  }

  void drop(const Keys& block) {
    q.keep(block.first, block.count, kept);
    const V factor(q.kept_factor());
    for (int64_t j = 0; j < block.count; ++j)
      for (int64_t i = 0; i < q.lanes; i += V::size) {
        T* at = scores + j * q.lanes + i;
        select(lane_mask<T, Arch>(kept[j] >> i), V::load(at) * factor, V(T(0))).store(at);
      }
  }

  /// sums = sums * rescale + weights . values
  void accumulate(const Keys& block, Seen sees) {
    const T* value = block.value;
    int64_t stride = block.value_stride;
    bool infinite = false;
    if (sees == Seen::some || (a.bias.data && !block.null_slot)) {
      // 0 * NaN is NaN: values that are not finite are left out of the product, and added where they are seen.
      infinite = Tools::find_infinite(value, stride, block.count, a.value_dim, apart);
    }
    const bool whole = a.value_dim % V::size == 0 || (packed_values && !block.null_slot);
    if (infinite || !whole) {
      Tools::pack_rows(value, stride, block.count, a.value_dim, T(1), values, infinite ? apart : nullptr);
      value = values;
      stride = wide;
    }
    for (int64_t i = 0; started && softmax.risen && i < q.count; ++i)
      for (int64_t d = 0; d < wide; d += V::size)
        (V::load(sums + i * wide + d) * V(softmax.rescale[i])).store(sums + i * wide + d);
    Tile::product_block({block.count, scores, 1, q.lanes, value, stride, sums, wide, started, 0}, q.count, a.value_dim,
                        [&](int64_t i, int64_t m, int64_t& begin, int64_t& end) {
                          if (sees == Seen::some && !block.null_slot) q.keys_of(block.first, i, m, begin, end);
                        });
    for (int64_t j = 0; infinite && j < block.count; ++j)
      for (int64_t i = 0; apart[j] && i < q.count; ++i) {
        T weight = scores[j * q.lanes + i];
        for (int64_t d = 0; weight != 0 && d < a.value_dim; ++d)
          sums[i * wide + d] += weight * block.value[j * block.value_stride + d];
      }
  }

  void finish() {
    softmax.finish(result);
    for (int64_t i = 0; i < q.count; ++i) {
      T* out = Tools::row_of(a.out, q.batch, q.first + i, q.head);
      if (a.logsumexp) a.logsumexp[(q.batch * a.query_length + q.first + i) * a.heads + q.head] = result[i];
      if (softmax.total[i] == 0) {
        if (uniform()) average(i, out);
        else Tools::clear(out, a.value_dim);
        continue;
      }
      const V factor(softmax.rescale[i]);
      const T* from = sums + i * wide;
      int64_t d = 0;
      for (; d + V::size <= a.value_dim; d += V::size) (V::load(from + d) * factor).store(out + d);
      if (d < a.value_dim) (V::load(from + d) * factor).store(out + d, static_cast<int>(a.value_dim - d));
    }
  }

  bool uniform() const { return a.fully_masked == FullyMasked::uniform && a.key_length > 0; }

  /// The mean of all values, masked ones too.
  void average(int64_t i, T* out) {
    T* sum = sums + i * wide;
    Tools::clear(sum, a.value_dim);
    const T weight = T(1) / static_cast<T>(a.key_length);
    for (int64_t k = 0; k < a.key_length; k += 32) {
      int64_t n = Tools::least(32, a.key_length - k);
      uint64_t bits = a.dropout_rate > 0 ? q.kept_row(i, k, n) : ~uint64_t{0};
      T factor = a.dropout_rate > 0 ? weight * q.kept_factor() : weight;
      for (int64_t j = 0; j < n; ++j) {
        if (!(bits >> j & 1)) continue;
        const T* value = Tools::row_of(a.value, q.batch, k + j, q.kv_head);
        for (int64_t d = 0; d < a.value_dim; ++d) sum[d] += factor * value[d];
      }
    }
    for (int64_t d = 0; d < a.value_dim; ++d) out[d] = sum[d];
  }

  T* weight_row(int64_t position) const {
    return a.weights + ((q.batch * a.heads + q.head) * a.query_length + position) * a.columns();
  }

  /// A second pass, now that the sums are known.
  void write_weights() {
    auto write = [&](const Keys& block, Seen sees) {
      if (sees != Seen::none) score(block, sees);
      for (int64_t i = 0; i < q.count; ++i) {
        T* row = weight_row(q.first + i) + block.first;
        if (softmax.total[i] == 0) {
          for (int64_t j = 0; j < block.count; ++j) row[j] = uniform() ? T(1) / static_cast<T>(a.key_length) : T(0);
          continue;
        }
        for (int64_t j = 0; j < block.count; ++j)
          row[j] = sees == Seen::all || (sees == Seen::some && (seen[j] >> i & 1)) ? scores[j * q.lanes + i]
                                                                                   : -Tools::infinity;
        const V from(softmax.base[i]);
        for (int64_t j = 0; j < block.count; j += V::size) {
          int left = static_cast<int>(Tools::least(V::size, block.count - j));
          exp2_nonpositive(V::load(row + j, left, V(-Tools::infinity)) - from).store(row + j, left);
        }
      }
    };
    for_each_key_block(0, a.key_length, block_keys,
                       [&](int64_t k, int64_t n) { write(q.keys_at(k, n), q.see(k, n, seen)); });
    if (a.null_key) write(q.null_slot(), Seen::all);
  }

  void clear_row(int64_t position) {
    Tools::clear(Tools::row_of(a.out, q.batch, position, q.head), a.value_dim);
    if (a.logsumexp) a.logsumexp[(q.batch * a.query_length + position) * a.heads + q.head] = -Tools::infinity;
    if (a.weights) Tools::clear(weight_row(position), a.columns());
  }

  const AttentionArgs<T>& a;
  const Block q;
  PackedKeys& packed;
  T *packed_keys = nullptr, *packed_values = nullptr;  // [key][padded D], [key][wide]; null: read where they are
  bool fresh = false;                                  // some of the block's keys have been copied just now
  int64_t wide = 0;                                    // columns of `sums` and `values`
  T* query = nullptr;                                  // [D][lane]
  T *scores = nullptr, *bias = nullptr;                // [key][lane]
  T *sums = nullptr, *values = nullptr;                // [lane][Dv], [key][Dv]
  T* result = nullptr;                                 // the logarithms of the sums
  OnlineSoftmax<T, Arch> softmax;
  bool started = false;  // `sums` holds something
  uint64_t seen[block_keys], kept[block_keys];
  bool apart[block_keys];
};

}  // namespace weft::cpu
