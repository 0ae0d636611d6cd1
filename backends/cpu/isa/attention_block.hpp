#pragma once

// What forward and backward share: which query of a block sees which key, as bits, and operands brought into shape.
// Throughout, a lane is a query of the block, and scores are stored as [key][lane].

#include <weft/backends/cpu/isa/attention.hpp>
#include <weft/backends/cpu/isa/attention_tile.hpp>
#include <weft/backends/cpu/isa/byte_bits.hpp>
#include <weft/backends/cpu/isa/load_columns.hpp>
#include <weft/backends/cpu/isa/philox.hpp>
#include <weft/backends/cpu/isa/simd_math.hpp>

namespace weft::cpu {

using simd::Mask;
using simd::Vec;

enum class Seen { none, some, all };

/// Templates of one instruction set; no state.
template <class T, class Arch> struct AttentionTools {
  using V = Vec<T, Arch>;
  static constexpr T infinity = static_cast<T>(__builtin_inf());
  static constexpr double log2e = 1.4426950408889634074, ln2 = 0.69314718055994530942;

  static WEFT_SIMD_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
  static WEFT_SIMD_INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
  /// Up to a whole number of the widest registers.
  static WEFT_SIMD_INLINE int64_t padded(int64_t count) { return (count + 15) / 16 * 16; }
  template <class P> static WEFT_SIMD_INLINE P row_of(const HeadRows<P>& rows, int64_t b, int64_t i, int64_t h) {
    return rows.data + b * rows.batch + i * rows.length + h * rows.head;
  }

  /// to[column][row] = from[row][column] * factor; rows from `rows` up to `lanes` become 0.
  static void pack_transposed(const T* from, int64_t stride, int64_t rows, int64_t columns, T factor, T* to,
                              int64_t lanes) {
    constexpr int64_t at_once = sizeof(T) == 4 ? 4 : V::size;
    for (int64_t r = 0; r < lanes; r += V::size, from += V::size * stride) {
      const int64_t count = least(rows - r, V::size);
      const T* row[V::size];
      for (int64_t i = 0; i < V::size; ++i) row[i] = from + (i < count ? i : most(count - 1, 0)) * stride;
      const Mask<T, Arch> here = lane_mask<T, Arch>(count < V::size ? ~(~uint64_t{0} << most(count, 0)) : ~uint64_t{0});
      for (int64_t c = 0; c < columns; c += at_once) {
        const int64_t wide = least(columns - c, at_once);
        V block[at_once];
        if constexpr (sizeof(T) == 4) {
          if (wide == at_once) simd::load_columns(row, c, block);
          else
            for (int64_t i = 0; i < wide; ++i) block[i] = column(row, c + i);
        } else {
          for (int64_t i = 0; i < V::size; ++i)
            block[i] = wide == V::size ? V::load(row[i] + c) : V::load(row[i] + c, static_cast<int>(wide));
          transpose(block);
        }
        for (int64_t i = 0; i < wide; ++i)
          (count == V::size ? block[i] * V(factor) : select(here, block[i] * V(factor), V(T(0))))
              .store(to + (c + i) * lanes + r);
      }
    }
  }
  static V column(const T* const* row, int64_t c) {
    alignas(64) T lane[V::size];
    for (int64_t i = 0; i < V::size; ++i) lane[i] = row[i][c];
    return V::load(lane);
  }

  /// to[row][0 .. padded(columns)) = from[row] * factor, padded with 0; all 0 where `skip` says so.
  static void pack_rows(const T* from, int64_t stride, int64_t rows, int64_t columns, T factor, T* to,
                        const bool* skip) {
    int64_t wide = padded(columns);
    for (int64_t r = 0; r < rows; ++r, from += stride, to += wide) {
      for (int64_t c = 0; c < wide; c += V::size) {
        int64_t left = skip && skip[r] ? 0 : columns - c;
        V x = left >= V::size ? V::load(from + c) : left > 0 ? V::load(from + c, static_cast<int>(left)) : V(T(0));
        (x * V(factor)).store(to + c);
      }
    }
  }

  /// Neither NaN nor infinity in the row.
  static WEFT_SIMD_INLINE bool finite(const T* row, int64_t columns) {
    V sum(T(0));
    for (int64_t c = 0; c < columns; c += V::size) {
      int64_t left = columns - c;
      sum = fma(left >= V::size ? V::load(row + c) : V::load(row + c, static_cast<int>(left)), V(T(0)), sum);
    }
    return all(sum == sum);
  }
  /// Marks the rows that hold a NaN or an infinity; whether there are any.
  static bool find_infinite(const T* rows, int64_t stride, int64_t count, int64_t columns, bool* marks) {
    bool any = false;
    for (int64_t i = 0; i < count; ++i) {
      marks[i] = !finite(rows + i * stride, columns);
      any = any || marks[i];
    }
    return any;
  }

  /// x + bias, in base 2; a bias that masks hides even a NaN.
  static WEFT_SIMD_INLINE V add_bias(V x, V bias) {
    return select(bias <= V(static_cast<T>(masking_bias)), V(-infinity), fma(bias, V(static_cast<T>(log2e)), x));
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

  static void clear(T* to, int64_t count) {
    for (int64_t i = 0; i < count; ++i) to[i] = 0;
  }

  /// Transposes a matrix of 64 x 64 bits: bit j of m[i] becomes bit i of m[j].
  static void transpose_bits(uint64_t (&m)[64]) {
    uint64_t mask = 0x00000000FFFFFFFFull;
    for (int j = 32; j != 0; j >>= 1, mask ^= mask << j) {
      for (int k = 0; k < 64; k = ((k | j) + 1) & ~j) {
        uint64_t t = ((m[k] >> j) ^ m[k | j]) & mask;
        m[k] ^= t << j;
        m[k | j] ^= t;
      }
    }
  }
};

/// Some keys and values in memory; `first` is the first one's column.
template <class T> struct KeyBlock {
  const T* key;
  int64_t key_stride;
  const T* value;
  int64_t value_stride;
  int64_t first, count;
  bool null_slot;
};

/// Which of the products' rows need all of the other side: all of them.
struct Everything {
  WEFT_SIMD_INLINE void operator()(int64_t, int64_t, int64_t&, int64_t&) const {}
};

/// Splits [begin, end) evenly into blocks of at most `size` and calls f(first, count) for each.
template <class F> WEFT_SIMD_INLINE void for_each_key_block(int64_t begin, int64_t end, int64_t size, F&& f) {
  if (begin >= end) return;
  int64_t blocks = (end - begin + size - 1) / size;
  int64_t even = ((end - begin + blocks - 1) / blocks + 5) / 6 * 6;  // whole tiles
  if (even < size) size = even;
  for (int64_t k = begin; k < end; k += size) f(k, k + size < end ? size : end - k);
}

/// The queries [first, first + count) of head (batch, head), and what they may see.
template <class T, class Arch> struct QueryBlock {
  using Tools = AttentionTools<T, Arch>;
  using V = Vec<T, Arch>;
  const AttentionArgs<T>& a;
  int64_t batch, head, kv_head;
  int64_t first, count;  // without those past the query's length
  int64_t lanes;         // count in whole registers
  int64_t shift, keys;   // position = query + shift; keys within the key's length
  int64_t back, ahead;   // keys position - back .. position + ahead
  uint64_t padding;      // bits of lanes that hold no query
  uint32_t threshold;

  static WEFT_SIMD_INLINE QueryBlock make(const AttentionArgs<T>& a, int64_t batch, int64_t head, int64_t block) {
    constexpr int64_t unbounded = int64_t{1} << 40;
    int64_t length = a.query_length, keys = a.key_length;
    if (a.query_lengths) length = Tools::least(length, a.query_lengths[batch]);
    if (a.key_lengths) keys = Tools::most(0, Tools::least(keys, a.key_lengths[batch]));
    int64_t first = block * attention_queries;
    int64_t count = Tools::most(0, Tools::least(attention_queries, length - first));
    int64_t back = a.window_left < 0 ? unbounded : Tools::least(a.window_left, unbounded);
    int64_t ahead = a.window_right < 0 ? unbounded : Tools::least(a.window_right, unbounded);
    if (a.causal != Causal::none) ahead = 0;
    return {a,
            batch,
            head,
            head / (a.heads / a.kv_heads),
            first,
            count,
            (count + V::size - 1) / V::size * V::size,
            a.causal == Causal::bottom_right ? a.key_length - a.query_length : 0,
            keys,
            back,
            ahead,
            count >= 64 ? 0 : ~uint64_t{0} << count,
            a.dropout_rate > 0 ? dropout_threshold(a.dropout_rate) : 0};
  }

  /// Keys below are seen by none of the queries; so are keys from end() on.
  int64_t begin() const { return Tools::most(0, first + shift - back); }
  int64_t end() const { return Tools::least(keys, first + count - 1 + shift + ahead + 1); }

  KeyBlock<T> keys_at(int64_t k, int64_t n) const {
    return {Tools::row_of(a.key, batch, k, kv_head),
            a.key.length,
            Tools::row_of(a.value, batch, k, kv_head),
            a.value.length,
            k,
            n,
            false};
  }
  KeyBlock<T> null_slot() const {
    return {a.null_key + kv_head * a.head_dim, 0, a.null_value + kv_head * a.value_dim, 0, a.key_length, 1, true};
  }

  /// Calls f(first, count) for blocks of at most `size` keys of [low, high) that some query may see; where some keys
  /// are seen by some queries only, they are in blocks of their own.
  template <class F> WEFT_SIMD_INLINE void for_each_key_block(int64_t low, int64_t high, int64_t size, F&& f) const {
    low = Tools::most(low, begin());
    high = Tools::least(high, end());
    int64_t from = Tools::least(high, Tools::most(low, first + count - 1 + shift - back));
    int64_t to = Tools::least(high, Tools::most(low, first + shift + ahead));
    if (from >= to) from = to = low;
    cpu::for_each_key_block(low, from, size, f);
    cpu::for_each_key_block(from, to, size, f);
    cpu::for_each_key_block(to, high, size, f);
  }

  /// Whether the causal rule or the window hides some of the keys [k, k + n) from some queries.
  bool cuts(int64_t k, int64_t n) const {
    return k < first + count - 1 + shift - back || k + n > first + shift + ahead + 1;
  }
  /// Of the keys [k, k + n), from the narrowed range [begin, end), those that the lanes [i, i + m) may see, as indices
  /// within the block.
  WEFT_SIMD_INLINE void keys_of(int64_t k, int64_t i, int64_t m, int64_t& begin, int64_t& end) const {
    begin = Tools::least(end, Tools::most(begin, first + i + shift - back - k));
    end = Tools::most(begin, Tools::least(end, first + i + m + shift + ahead - k));
  }
  /// Of the lanes [begin, end) those that may see some of the keys [k, k + n).
  WEFT_SIMD_INLINE void lanes_of(int64_t k, int64_t n, int64_t& begin, int64_t& end) const {
    begin = Tools::least(end, Tools::most(begin, k - ahead - shift - first));
    end = Tools::most(begin, Tools::least(end, k + n + back - shift - first));
  }

  /// Bit i of seen[j]: lane i may attend to key k + j. Bits of padding lanes are set.
  Seen see(int64_t k, int64_t n, uint64_t* seen) const {
    if (k >= end() || k + n <= begin()) return Seen::none;
    const int64_t last = first + count - 1;
    if (k >= last + shift - back && k + n <= Tools::least(keys, first + shift + ahead + 1)) {
      if (!a.mask.data) return Seen::all;
      for (int64_t j = 0; j < n; ++j) seen[j] = ~uint64_t{0};
    } else {
      for (int64_t j = 0; j < n; ++j) {
        // position - back <= key <= position + ahead, solved for the lane.
        int64_t low = Tools::most(0, k + j - ahead - shift - first);
        int64_t high = Tools::least(count - 1, k + j + back - shift - first);
        uint64_t from = low > 63 ? 0 : ~uint64_t{0} << low;
        uint64_t to = high < 0 ? 0 : high >= 63 ? ~uint64_t{0} : (uint64_t{1} << (high + 1)) - 1;
        seen[j] = (k + j < keys ? from & to : 0) | padding;
      }
    }
    if (a.mask.data) apply_mask(k, n, seen);
    uint64_t every = ~uint64_t{0}, any = 0;
    for (int64_t j = 0; j < n; ++j) {
      every &= seen[j];
      any |= seen[j] & ~padding;
    }
    return any == 0 ? Seen::none : every == ~uint64_t{0} ? Seen::all : Seen::some;
  }

  void apply_mask(int64_t k, int64_t n, uint64_t* seen) const {
    const uint8_t* mask =
        a.mask.data + batch * a.mask.batch + head * a.mask.head + first * a.mask.query + k * a.mask.key;
    if (a.mask.query == 0) {
      for (int64_t j = 0; j < n; ++j)
        if (mask[j * a.mask.key] == 0) seen[j] &= padding;
      return;
    }
    for (int64_t j = 0; j < n; j += 64) {
      uint64_t bits[64] = {};
      int64_t here = Tools::least(64, n - j);
      const uint8_t* at = mask + j * a.mask.key;
      for (int64_t i = 0; i < count; ++i, at += a.mask.query) {
        bits[i] = simd::raw::nonzero_bytes(at, here, a.mask.key);
        __builtin_prefetch(at + n * a.mask.key);  // for the next block of keys
      }
      Tools::transpose_bits(bits);
      for (int64_t i = 0; i < here; ++i) seen[j + i] &= bits[i] | padding;
    }
  }

  /// Dropout's element of lane `i` and column k.
  uint64_t dropout_element(int64_t i, int64_t k) const {
    int64_t row = first + i;
    if (!a.dropout_broadcast) row += (batch * a.heads + head) * a.query_length;
    return static_cast<uint64_t>(row * a.columns() + k);
  }
  /// Dropout's bits for lane `i` and columns [k, k + n), n <= 61.
  uint64_t kept_row(int64_t i, int64_t k, int64_t n) const {
    const uint64_t from[1] = {dropout_element(i, k)};
    uint64_t bits[1][1];
    simd::Philox<Arch>::keep_bits(a.dropout_key, threshold, from, static_cast<int>(n), bits);
    return bits[0][0];
  }
  /// Bit i of kept[j]: dropout keeps column k + j for lane i; n <= 128.
  void keep(int64_t k, int64_t n, uint64_t* kept) const {
    uint64_t rows[2][64] = {};
    for (int64_t i = 0; i < count; i += 2) {
      const uint64_t from[2] = {dropout_element(i, k), dropout_element(i + 1, k)};
      uint64_t bits[2][3];
      simd::Philox<Arch>::keep_bits(a.dropout_key, threshold, from, static_cast<int>(n), bits);
      for (int w = 0; w < 2; ++w) {
        rows[0][i + w] = bits[w][0];
        rows[1][i + w] = bits[w][1];
      }
    }
    for (int64_t j = 0; j < n; j += 64) {
      uint64_t(&part)[64] = rows[j / 64];
      Tools::transpose_bits(part);
      for (int64_t i = 0; i < Tools::least(64, n - j); ++i) kept[j + i] = part[i];
    }
  }
  /// What dropout multiplies what it keeps by; where it keeps nothing, something finite.
  T kept_factor() const { return static_cast<T>(a.dropout_rate < 1 ? 1 / (1 - a.dropout_rate) : 0); }

  /// to[key][lane] = the bias.
  void pack_bias(int64_t k, int64_t n, T* to) const {
    const T* bias = a.bias.data + batch * a.bias.batch + head * a.bias.head + first * a.bias.query + k * a.bias.key;
    if (a.bias.key == 1) {
      Tools::pack_transposed(bias, a.bias.query, count, n, T(1), to, lanes);
      return;
    }
    for (int64_t j = 0; j < n; ++j)
      for (int64_t i = 0; i < lanes; ++i)
        to[j * lanes + i] = i < count ? bias[i * a.bias.query + j * a.bias.key] : T(0);
  }
};

}  // namespace weft::cpu
