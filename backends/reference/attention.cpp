#include <weft/backends/reference/attention.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace weft {
namespace {

/// The head (b, h) of `rows` at position `i`.
template <class P> P row_of(const HeadRows<P>& rows, int64_t b, int64_t i, int64_t h) {
  return rows.data + b * rows.batch + i * rows.length + h * rows.head;
}

template <class P> auto& at(const HeadGrid<P>& grid, int64_t b, int64_t h, int64_t q, int64_t k) {
  return grid.data[b * grid.batch + h * grid.head + q * grid.query + k * grid.key];
}

template <class T> T dot(const T* a, const T* b, int64_t count) {
  T sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

/// target += factor * source
template <class T> void add_scaled(T* target, T factor, const T* source, int64_t count) {
  for (int64_t i = 0; i < count; ++i) target[i] += factor * source[i];
}

/// What one query does, column by column; the null slot is the last column.
template <class T> struct Row {
  explicit Row(int64_t columns) : seen(columns), capped(columns), weight(columns), kept(columns) {}
  std::vector<char> seen;  // takes part in the sums
  std::vector<T> capped;   // the logit before bias
  std::vector<T> weight;   // after softmax
  std::vector<T> kept;     // dropout's factor, 0 or 1 / (1 - rate)
  T logsumexp = 0;
  bool uniform = false;  // the weights do not depend on the logits
};

template <class T> class Attention {
 public:
  explicit Attention(const AttentionArgs<T>& args) : a(args), columns(args.columns()) {}

  const T* key(int64_t b, int64_t h, int64_t k) const {
    int64_t kv = h / (a.heads / a.kv_heads);
    return k == a.key_length ? a.null_key + kv * a.head_dim : row_of(a.key, b, k, kv);
  }
  const T* value(int64_t b, int64_t h, int64_t k) const {
    int64_t kv = h / (a.heads / a.kv_heads);
    return k == a.key_length ? a.null_value + kv * a.value_dim : row_of(a.value, b, k, kv);
  }
  bool past_the_end(int64_t b, int64_t q) const { return a.query_lengths && q >= a.query_lengths[b]; }

  bool may_attend(int64_t b, int64_t h, int64_t q, int64_t k) const {
    if (k == a.key_length) return true;
    if (a.key_lengths && k >= a.key_lengths[b]) return false;
    int64_t position = a.causal == Causal::bottom_right ? q + a.key_length - a.query_length : q;
    if (a.causal != Causal::none && k > position) return false;
    if (a.window_left >= 0 && k < position - a.window_left) return false;
    if (a.window_right >= 0 && k > position + a.window_right) return false;
    return !a.mask.data || at(a.mask, b, h, q, k) != 0;
  }

  T dropout_factor(int64_t b, int64_t h, int64_t q, int64_t k) const {
    if (a.dropout_rate <= 0) return 1;
    int64_t row = a.dropout_broadcast ? q : (b * a.heads + h) * a.query_length + q;
    uint32_t bits = random_bits(a.dropout_key, static_cast<uint64_t>(row * columns + k));
    return (bits >> 8) >= dropout_threshold(a.dropout_rate) ? static_cast<T>(1 / (1 - a.dropout_rate)) : T(0);
  }

  void fill(Row<T>& row, int64_t b, int64_t h, int64_t q) const {
    constexpr T nothing = -std::numeric_limits<T>::infinity();
    std::fill(row.seen.begin(), row.seen.end(), 0);
    std::fill(row.weight.begin(), row.weight.end(), T(0));
    row.logsumexp = nothing;
    row.uniform = false;
    if (past_the_end(b, q)) return;
    T largest = nothing, sum = 0;
    for (int64_t k = 0; k < columns; ++k) {
      row.kept[k] = dropout_factor(b, h, q, k);
      if (!may_attend(b, h, q, k)) continue;
      T logit = dot(row_of(a.query, b, q, h), key(b, h, k), a.head_dim) * static_cast<T>(a.scale);
      if (a.soft_cap > 0) logit = static_cast<T>(a.soft_cap) * std::tanh(logit / static_cast<T>(a.soft_cap));
      row.capped[k] = logit;
      if (a.bias.data && k < a.key_length) {
        T bias = at(a.bias, b, h, q, k);
        if (bias <= static_cast<T>(masking_bias)) continue;
        logit += bias;
      }
      if (logit == nothing) continue;
      row.seen[k] = 1;
      row.weight[k] = logit;
      if (!(logit <= largest)) largest = logit;
    }
    for (int64_t k = 0; k < columns; ++k)
      if (row.seen[k]) sum += row.weight[k] = std::exp(row.weight[k] - largest);
    if (sum == 0) {
      if (a.fully_masked == FullyMasked::zero || a.key_length == 0) return;
      row.uniform = true;
      std::fill(row.seen.begin(), row.seen.end(), 1);
      std::fill(row.weight.begin(), row.weight.end(), T(1) / static_cast<T>(a.key_length));
      return;
    }
    for (T& weight : row.weight) weight /= sum;
    row.logsumexp = largest + std::log(sum);
  }

  template <class F> void for_each_query(F&& f) const {
    for (int64_t b = 0; b < a.batch; ++b)
      for (int64_t h = 0; h < a.heads; ++h)
        for (int64_t q = 0; q < a.query_length; ++q) f(b, h, q);
  }

  const AttentionArgs<T>& a;
  const int64_t columns;
};

template <class T>
void clear(const HeadRows<T*>& rows, int64_t batch, int64_t length, int64_t heads, int64_t features) {
  if (!rows.data) return;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t i = 0; i < length; ++i)
      for (int64_t h = 0; h < heads; ++h) std::fill_n(row_of(rows, b, i, h), features, T(0));
}

template <class T> void clear_gradients(const AttentionGradArgs<T>& args) {
  const AttentionArgs<T>& a = args.call;
  clear(args.d_query, a.batch, a.query_length, a.heads, a.head_dim);
  clear(args.d_key, a.batch, a.key_length, a.kv_heads, a.head_dim);
  clear(args.d_value, a.batch, a.key_length, a.kv_heads, a.value_dim);
  if (args.d_null_key) std::fill_n(args.d_null_key, a.kv_heads * a.head_dim, T(0));
  if (args.d_null_value) std::fill_n(args.d_null_value, a.kv_heads * a.value_dim, T(0));
  if (!args.d_bias.data) return;
  // An axis that the bias lacks has stride 0, and counts even where the call's axis is empty.
  auto extent = [](int64_t stride, int64_t length) { return stride == 0 ? 1 : length; };
  const HeadGrid<T*>& grid = args.d_bias;
  for (int64_t b = 0; b < extent(grid.batch, a.batch); ++b)
    for (int64_t h = 0; h < extent(grid.head, a.heads); ++h)
      for (int64_t q = 0; q < extent(grid.query, a.query_length); ++q)
        for (int64_t k = 0; k < extent(grid.key, a.key_length); ++k) at(grid, b, h, q, k) = 0;
}

}  // namespace

template <class T> void reference_attention_forward(const AttentionArgs<T>& a) {
  Attention<T> attention(a);
  Row<T> row(attention.columns);
  attention.for_each_query([&](int64_t b, int64_t h, int64_t q) {
    attention.fill(row, b, h, q);
    T* out = row_of(a.out, b, q, h);
    std::fill_n(out, a.value_dim, T(0));
    for (int64_t k = 0; k < attention.columns; ++k)
      if (row.seen[k]) add_scaled(out, row.weight[k] * row.kept[k], attention.value(b, h, k), a.value_dim);
    if (a.logsumexp) a.logsumexp[(b * a.query_length + q) * a.heads + h] = row.logsumexp;
    if (a.weights)
      std::copy(row.weight.begin(), row.weight.end(),
                a.weights + ((b * a.heads + h) * a.query_length + q) * attention.columns);
  });
}

template <class T> void reference_attention_backward(const AttentionGradArgs<T>& args) {
  const AttentionArgs<T>& a = args.call;
  Attention<T> attention(a);
  Row<T> row(attention.columns);
  std::vector<T> d_weight(attention.columns);
  clear_gradients(args);
  attention.for_each_query([&](int64_t b, int64_t h, int64_t q) {
    attention.fill(row, b, h, q);
    int64_t kv = h / (a.heads / a.kv_heads), slot = (b * a.query_length + q) * a.heads + h;
    const T* d_out = row_of(args.d_out, b, q, h);
    const T* d_row =
        args.d_weights ? args.d_weights + ((b * a.heads + h) * a.query_length + q) * attention.columns : nullptr;
    T mean = args.d_logsumexp ? -args.d_logsumexp[slot] : T(0);
    for (int64_t k = 0; k < attention.columns; ++k) {
      if (!row.seen[k]) continue;
      T* d_value = k == a.key_length   ? (args.d_null_value ? args.d_null_value + kv * a.value_dim : nullptr)
                   : args.d_value.data ? row_of(args.d_value, b, k, kv)
                                       : nullptr;
      if (d_value) add_scaled(d_value, row.weight[k] * row.kept[k], d_out, a.value_dim);
      d_weight[k] = row.kept[k] * dot(d_out, attention.value(b, h, k), a.value_dim) + (d_row ? d_row[k] : T(0));
      mean += row.weight[k] * d_weight[k];
    }
    if (row.uniform) return;
    for (int64_t k = 0; k < attention.columns; ++k) {
      if (!row.seen[k]) continue;
      T d_logit = row.weight[k] * (d_weight[k] - mean);
      if (args.d_bias.data && k < a.key_length) at(args.d_bias, b, h, q, k) += d_logit;
      if (a.soft_cap > 0) {
        T ratio = row.capped[k] / static_cast<T>(a.soft_cap);
        d_logit *= 1 - ratio * ratio;
      }
      d_logit *= static_cast<T>(a.scale);
      T* d_key = k == a.key_length ? (args.d_null_key ? args.d_null_key + kv * a.head_dim : nullptr)
                 : args.d_key.data ? row_of(args.d_key, b, k, kv)
                                   : nullptr;
      if (d_key) add_scaled(d_key, d_logit, row_of(a.query, b, q, h), a.head_dim);
      if (args.d_query.data) add_scaled(row_of(args.d_query, b, q, h), d_logit, attention.key(b, h, k), a.head_dim);
    }
  });
}

template void reference_attention_forward(const AttentionArgs<float>&);
template void reference_attention_forward(const AttentionArgs<double>&);
template void reference_attention_backward(const AttentionGradArgs<float>&);
template void reference_attention_backward(const AttentionGradArgs<double>&);

}  // namespace weft
