#include <weft/backends/cuda/attention_kernels.hpp>
#include <weft/backends/cuda/launch.hpp>
#include <weft/backends/cuda/reduce_block.hpp>

// Short sequences, for which tiles would be mostly empty: a warp for each query or key, a lane for each key or query
// that it meets.

namespace weft::cuda {
namespace {

using std::exp, std::log, std::tanh;

constexpr int warps = 4, threads = warps * warp_size;

template <class C, class Combine> WEFT_DEVICE C over_warp(const Thread& thread, C value, Combine combine) {
  for (int mask = warp_size / 2; mask > 0; mask /= 2) value = combine(value, thread.shuffle_xor(value, mask));
  return value;
}

template <class T> WEFT_DEVICE Computed<T> dot(const T* a, const T* b, int count) {
  Computed<T> sum = 0;
  for (int i = 0; i < count; ++i) sum += static_cast<Computed<T>>(a[i]) * static_cast<Computed<T>>(b[i]);
  return sum;
}

/// A column of the weights: a key, or the null slot.
template <class T> WEFT_DEVICE const T* key_at(const AttentionHead<T>& head, int column) {
  const AttentionData<T>& a = head.a;
  return column < a.key_length ? a.key.at(head.b, column, head.kv) : a.null_key + head.kv * a.head_dim;
}
template <class T> WEFT_DEVICE const T* value_at(const AttentionHead<T>& head, int column) {
  const AttentionData<T>& a = head.a;
  return column < a.key_length ? a.value.at(head.b, column, head.kv) : a.null_value + head.kv * a.value_dim;
}

/// The logit of a pair, -inf where the query does not see the column; `slope` as in attention_tile.hpp.
template <class T>
WEFT_DEVICE Computed<T> pair_logit(const AttentionHead<T>& head, int q, int column, Computed<T>& slope) {
  using C = Computed<T>;
  const AttentionData<T>& a = head.a;
  slope = 1;
  const bool is_null = column == a.key_length;
  if (q >= head.query_end || column >= a.columns || (!is_null && !head.sees(q, column))) return C(-HUGE_VAL);
  return head.logit(dot(a.query.at(head.b, q, head.h), key_at(head, column), a.head_dim), q, column, is_null, slope);
}

/// What a pair gives to the gradients.
template <class T> struct ShortPair {
  using C = Computed<T>;
  C weight = 0;   ///< after dropout
  C d_logit = 0;  ///< of the product

  WEFT_DEVICE ShortPair(const AttentionGradData<T>& g, const AttentionHead<T>& head, int q, int column) {
    const AttentionData<T>& a = g.call;
    if (q >= head.query_end || column >= a.columns) return;
    const int64_t slot = a.slot(head.b, head.h, q);
    const C logsumexp = a.logsumexp[slot];
    const bool dead = logsumexp == C(-HUGE_VAL);
    if (dead && (!a.uniform || column == a.key_length)) return;
    C slope = 1;
    const C plain = dead ? 1 / static_cast<C>(a.key_length) : exp(pair_logit(head, q, column, slope) - logsumexp);
    if (plain == 0) return;
    const bool keeps = !a.dropout_key || head.keeps(key_from_words(a.dropout_key), q, column);
    if (keeps) weight = plain * a.kept_factor;
    if (dead) return;
    const C d_weight =
        keeps ? dot(g.d_out.at(head.b, q, head.h), value_at(head, column), a.value_dim) * a.kept_factor : C(0);
    d_logit = plain * (d_weight - g.delta[slot]) * slope * a.scale;
  }
};

template <class T> struct ShortForward {
  using C = Computed<T>;
  AttentionData<T> a;
  T* out;
  int64_t rows;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    auto weights = thread.shared<C>(0, threads);
    const int64_t row = thread.block() * warps + thread.warp();
    const int64_t place = row < rows ? row : 0;  // all threads of the block go along
    const int h = static_cast<int>(place % a.heads), q = static_cast<int>(place / a.heads % a.query_length);
    const AttentionHead<T> head(a, place / a.heads / a.query_length, h);
    const int column = thread.lane();
    C slope;
    const C logit = pair_logit(head, q, column, slope);
    C largest = over_warp(thread, logit, Largest());
    const C shift = largest == C(-HUGE_VAL) ? C(0) : largest;
    C weight = exp(logit - shift);
    const C total = over_warp(thread, weight, Sum());
    const C logsumexp = largest + log(total);
    if (total != 0) weight /= total;
    else if (a.uniform && q < head.query_end && column < a.key_length) weight = 1 / static_cast<C>(a.key_length);
    if (a.dropout_key && weight != 0)
      weight = head.keeps(key_from_words(a.dropout_key), q, column) ? weight * a.kept_factor : C(0);
    weights[thread.index()] = weight;
    thread.sync();
    if (row >= rows) return;
    for (int d = thread.lane(); d < a.value_dim; d += warp_size) {
      C sum = 0;
      for (int k = 0; k < a.columns; ++k) {
        const C w = weights[thread.warp() * warp_size + k];
        if (w != 0) sum += w * static_cast<C>(value_at(head, k)[d]);
      }
      out[row * a.value_dim + d] = static_cast<T>(sum);
    }
    if (thread.lane() == 0) a.logsumexp[row] = logsumexp;
  }
};

template <class T> struct ShortQueryGradient {
  using C = Computed<T>;
  AttentionGradData<T> g;
  int64_t rows;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    if (g.is_idle()) return;
    const AttentionData<T>& a = g.call;
    auto weights = thread.shared<C>(0, threads);
    const int64_t row = thread.block() * warps + thread.warp();
    const int64_t place = row < rows ? row : 0;
    const int h = static_cast<int>(place % a.heads), q = static_cast<int>(place / a.heads % a.query_length);
    const AttentionHead<T> head(a, place / a.heads / a.query_length, h);
    weights[thread.index()] = ShortPair<T>(g, head, q, thread.lane()).d_logit;
    thread.sync();
    if (row >= rows) return;
    for (int d = thread.lane(); d < a.head_dim; d += warp_size) {
      C sum = 0;
      for (int k = 0; k < a.columns; ++k) {
        const C w = weights[thread.warp() * warp_size + k];
        if (w != 0) sum += w * static_cast<C>(key_at(head, k)[d]);
      }
      g.d_query[row * a.head_dim + d] = static_cast<T>(sum);
    }
  }
};

/// A warp for each column; its lanes are the queries, of one head after the other.
template <class T> struct ShortKeyGradient {
  using C = Computed<T>;
  AttentionGradData<T> g;
  int64_t rows;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    if (g.is_idle()) return;
    const AttentionData<T>& a = g.call;
    const int group = a.heads / a.kv_heads;
    auto weights = thread.shared<C>(0, group * threads);
    auto d_logits = thread.shared<C>(sizeof(C) * static_cast<size_t>(group * threads), group * threads);
    const int64_t row = thread.block() * warps + thread.warp();
    const int64_t place = row < rows ? row : 0;
    const int kv = static_cast<int>(place % a.kv_heads), column = static_cast<int>(place / a.kv_heads % a.columns);
    const int64_t b = place / a.kv_heads / a.columns;
    for (int i = 0; i < group; ++i) {
      const ShortPair<T> pair(g, AttentionHead<T>(a, b, kv * group + i), thread.lane(), column);
      weights[i * threads + thread.index()] = pair.weight;
      d_logits[i * threads + thread.index()] = pair.d_logit;
    }
    thread.sync();
    if (row >= rows) return;
    if (column < a.key_length) {
      const int64_t to = (b * a.key_length + column) * a.kv_heads + kv;
      if (g.d_key) write(thread, d_logits, a.query, b, kv * group, a.head_dim, g.d_key + to * a.head_dim);
      if (g.d_value) write(thread, weights, g.d_out, b, kv * group, a.value_dim, g.d_value + to * a.value_dim);
    } else if (g.d_null) {
      C* to = g.d_null + (b * a.kv_heads + kv) * (a.head_dim + a.value_dim);
      write(thread, d_logits, a.query, b, kv * group, a.head_dim, to);
      write(thread, weights, g.d_out, b, kv * group, a.value_dim, to + a.head_dim);
    }
  }

  /// The rows of all queries, of the group's heads, under this warp's weights.
  template <class R>
  WEFT_DEVICE void write(const Thread& thread, const Shared<C>& weights, const FeatureRows<T>& vectors, int64_t b,
                         int first_head, int features, R* to) const {
    const int group = g.call.heads / g.call.kv_heads;
    for (int d = thread.lane(); d < features; d += warp_size) {
      C sum = 0;
      for (int i = 0; i < group; ++i)
        for (int q = 0; q < g.call.query_length; ++q) {
          const C w = weights[i * threads + thread.warp() * warp_size + q];
          if (w != 0) sum += w * static_cast<C>(vectors.at(b, q, first_head + i)[d]);
        }
      to[d] = static_cast<R>(sum);
    }
  }
};

template <class Kernel> void launch_warps(const Kernel& kernel, int arrays, size_t element) {
  launch_blocks(kernel, (kernel.rows + warps - 1) / warps, threads, element * static_cast<size_t>(arrays * threads));
}

template <class T> int64_t query_rows(const AttentionData<T>& a) { return a.batch * a.query_length * a.heads; }

}  // namespace

template <class T> void launch_short_attention_forward(const AttentionData<T>& a, T* out) {
  launch_warps(ShortForward<T>{a, out, query_rows(a)}, 1, sizeof(Computed<T>));
}

template <class T> void launch_short_attention_query_gradient(const AttentionGradData<T>& g) {
  launch_warps(ShortQueryGradient<T>{g, query_rows(g.call)}, 1, sizeof(Computed<T>));
}

template <class T> void launch_short_attention_key_gradient(const AttentionGradData<T>& g) {
  const AttentionData<T>& a = g.call;
  launch_warps(ShortKeyGradient<T>{g, a.batch * a.columns * a.kv_heads}, 2 * a.group(), sizeof(Computed<T>));
}

#define WEFT_INSTANTIATE(T)                                                         \
  template void launch_short_attention_forward(const AttentionData<T>&, T*);        \
  template void launch_short_attention_query_gradient(const AttentionGradData<T>&); \
  template void launch_short_attention_key_gradient(const AttentionGradData<T>&);
WEFT_INSTANTIATE(float)
WEFT_INSTANTIATE(double)
WEFT_INSTANTIATE(bfloat16)
WEFT_INSTANTIATE(float16)
#undef WEFT_INSTANTIATE

}  // namespace weft::cuda
