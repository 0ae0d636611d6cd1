#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <weft/core/attention_args.hpp>

namespace weft::test {

/// What an attention problem is made of; masks and biases are given by the axes of [batch, heads, Lq, Lk] that they
/// have.
struct AttentionCase {
  int64_t batch = 2, query_length = 7, key_length = 11, heads = 2, kv_heads = 2, head_dim = 5, value_dim = 5;
  int mask_axes = -1, bias_axes = -1;  // bits 8 batch, 4 heads, 2 queries, 1 keys; -1: none
  Causal causal = Causal::none;
  int64_t window_left = -1, window_right = -1;
  std::vector<int32_t> query_lengths, key_lengths;
  double soft_cap = 0;
  bool null_slot = false;
  double dropout_rate = 0;
  bool dropout_broadcast = false;
  FullyMasked fully_masked = FullyMasked::zero;
  bool all_cotangents = false;  // of the weights and the logsumexp, too
  double masked_share = 0.4;    // of the boolean mask's elements
};

/// Owns the arrays of one problem, with random content, and its results.
template <class T> struct AttentionProblem {
  explicit AttentionProblem(const AttentionCase& c, uint32_t seed = 1) : shape(c), random(seed) {
    const int64_t rows = c.batch * c.query_length * c.heads, columns = c.key_length + (c.null_slot ? 1 : 0);
    call.batch = c.batch;
    call.query_length = c.query_length;
    call.key_length = c.key_length;
    call.heads = c.heads;
    call.kv_heads = c.kv_heads;
    call.head_dim = c.head_dim;
    call.value_dim = c.value_dim;
    call.causal = c.causal;
    call.window_left = c.window_left;
    call.window_right = c.window_right;
    call.scale = 1 / std::sqrt(static_cast<double>(c.head_dim));
    call.soft_cap = c.soft_cap;
    call.fully_masked = c.fully_masked;
    call.dropout_rate = c.dropout_rate;
    call.dropout_broadcast = c.dropout_broadcast;
    call.dropout_key = {0x1234567890ABCDEFull, 3, 17};
    query = normal(rows * c.head_dim);
    key = normal(c.batch * c.key_length * c.kv_heads * c.head_dim);
    value = normal(c.batch * c.key_length * c.kv_heads * c.value_dim);
    d_out = normal(rows * c.value_dim);
    mask.resize(grid_size(c.mask_axes));
    for (uint8_t& m : mask) m = std::uniform_real_distribution<>()(random) >= c.masked_share;
    bias = normal(grid_size(c.bias_axes));
    if (c.null_slot) {
      null_key = normal(c.kv_heads * c.head_dim);
      null_value = normal(c.kv_heads * c.value_dim);
    }
    if (c.all_cotangents) {
      d_weights = normal(rows * columns);
      d_logsumexp = normal(rows);
    }
  }

  size_t grid_size(int axes) const {
    if (axes < 0) return 0;
    int64_t size = 1;
    if (axes & 8) size *= shape.batch;
    if (axes & 4) size *= shape.heads;
    if (axes & 2) size *= shape.query_length;
    if (axes & 1) size *= shape.key_length;
    return static_cast<size_t>(size);
  }

  template <class P> HeadGrid<P*> grid(std::vector<std::remove_const_t<P>>& data, int axes) const {
    HeadGrid<P*> g;
    if (axes < 0) return g;
    g.data = data.data();
    int64_t stride = 1;
    if (axes & 1) g.key = stride, stride *= shape.key_length;
    if (axes & 2) g.query = stride, stride *= shape.query_length;
    if (axes & 4) g.head = stride, stride *= shape.heads;
    if (axes & 8) g.batch = stride;
    return g;
  }

  /// The call on this problem's arrays; results are filled with NaN first.
  AttentionArgs<T> args() {
    AttentionArgs<T> a = call;
    const AttentionCase& c = shape;
    const size_t rows = static_cast<size_t>(c.batch * c.query_length * c.heads);
    const T nan = std::numeric_limits<T>::quiet_NaN();
    out.assign(rows * static_cast<size_t>(c.value_dim), nan);
    logsumexp.assign(rows, nan);
    weights.assign(rows * static_cast<size_t>(c.key_length + (c.null_slot ? 1 : 0)), nan);
    a.query = rows_of<const T>(query, c.query_length, c.heads, c.head_dim);
    a.key = rows_of<const T>(key, c.key_length, c.kv_heads, c.head_dim);
    a.value = rows_of<const T>(value, c.key_length, c.kv_heads, c.value_dim);
    a.out = rows_of<T>(out, c.query_length, c.heads, c.value_dim);
    a.mask = grid<const uint8_t>(mask, c.mask_axes);
    a.bias = grid<const T>(bias, c.bias_axes);
    a.query_lengths = c.query_lengths.empty() ? nullptr : c.query_lengths.data();
    a.key_lengths = c.key_lengths.empty() ? nullptr : c.key_lengths.data();
    a.null_key = c.null_slot ? null_key.data() : nullptr;
    a.null_value = c.null_slot ? null_value.data() : nullptr;
    a.logsumexp = logsumexp.data();
    a.weights = weights.data();
    return a;
  }

  /// The gradient of the call that `args` made and that has been run.
  AttentionGradArgs<T> grad_args(const AttentionArgs<T>& done) {
    AttentionGradArgs<T> g;
    const AttentionCase& c = shape;
    const T nan = std::numeric_limits<T>::quiet_NaN();
    g.call = done;
    for (auto [gradient, input] : {std::pair{&d_query, &query},
                                   {&d_key, &key},
                                   {&d_value, &value},
                                   {&d_bias, &bias},
                                   {&d_null_key, &null_key},
                                   {&d_null_value, &null_value}})
      gradient->assign(input->size(), nan);
    g.d_out = rows_of<const T>(d_out, c.query_length, c.heads, c.value_dim);
    g.d_weights = c.all_cotangents ? d_weights.data() : nullptr;
    g.d_logsumexp = c.all_cotangents ? d_logsumexp.data() : nullptr;
    g.d_query = rows_of<T>(d_query, c.query_length, c.heads, c.head_dim);
    g.d_key = rows_of<T>(d_key, c.key_length, c.kv_heads, c.head_dim);
    g.d_value = rows_of<T>(d_value, c.key_length, c.kv_heads, c.value_dim);
    g.d_bias = grid<T>(d_bias, c.bias_axes);
    g.d_null_key = c.null_slot ? d_null_key.data() : nullptr;
    g.d_null_value = c.null_slot ? d_null_value.data() : nullptr;
    return g;
  }

  struct Named {
    std::string name;
    std::vector<T>* data;
  };
  std::vector<Named> results() { return {{"out", &out}, {"logsumexp", &logsumexp}, {"weights", &weights}}; }
  std::vector<Named> gradients() {
    return {{"d_query", &d_query}, {"d_key", &d_key},           {"d_value", &d_value},
            {"d_bias", &d_bias},   {"d_null_key", &d_null_key}, {"d_null_value", &d_null_value}};
  }
  std::vector<Named> inputs() {
    return {{"query", &query}, {"key", &key},           {"value", &value},
            {"bias", &bias},   {"null_key", &null_key}, {"null_value", &null_value}};
  }

  AttentionCase shape;
  AttentionArgs<T> call;  // the numbers; pointers are filled by args()
  std::mt19937 random;
  std::vector<T> query, key, value, bias, null_key, null_value, d_out, d_weights, d_logsumexp;
  std::vector<uint8_t> mask;
  std::vector<T> out, logsumexp, weights;
  std::vector<T> d_query, d_key, d_value, d_bias, d_null_key, d_null_value;

 private:
  std::vector<T> normal(int64_t count) { return normal(static_cast<size_t>(count)); }
  std::vector<T> normal(size_t count) {
    std::normal_distribution<double> distribution;
    std::vector<T> x(count);
    for (T& element : x) element = static_cast<T>(distribution(random));
    return x;
  }
  template <class P>
  static HeadRows<P*> rows_of(std::vector<std::remove_const_t<P>>& data, int64_t length, int64_t heads,
                              int64_t features) {
    return {data.data(), length * heads * features, heads * features, features};
  }
};

}  // namespace weft::test
