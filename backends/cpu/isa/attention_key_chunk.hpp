#pragma once

#include <weft/backends/cpu/isa/attention_block.hpp>

namespace weft::cpu {

/// The keys and values that backward reads, and the gradients they gather: the tensors' own rows or, where there are
/// gaps between those and enough queries to pay for it, a copy of some keys at a time.
template <class T, class Arch> class KeyChunk {
  using Tools = AttentionTools<T, Arch>;
  static constexpr int64_t block_keys = attention_backward_keys<T>;

 public:
  static bool copies(const AttentionArgs<T>& a) {
    const int64_t uses = attention_blocks(a) * (a.heads / a.kv_heads);
    return uses >= 3 && (a.key.length != Tools::padded(a.head_dim) || a.value.length != Tools::padded(a.value_dim));
  }
  /// Keys that are copied at a time: with the gradients they gather they take 1 MiB, a second-level cache, in which
  /// many queries in turn find them. Rows with large strides would share the sets of that cache.
  static int64_t size(const AttentionArgs<T>& a) {
    constexpr int64_t room = 1024 * 1024 / sizeof(T) / 2;
    const int64_t keys = room / (Tools::padded(a.head_dim) + Tools::padded(a.value_dim)) / block_keys * block_keys;
    return Tools::least(Tools::most(keys, 2 * block_keys), a.key_length);
  }
  static int64_t scratch(const AttentionArgs<T>& a) {
    return copies(a) ? 2 * size(a) * (Tools::padded(a.head_dim) + Tools::padded(a.value_dim)) : 0;
  }

  KeyChunk(const AttentionGradArgs<T>& args, T* scratch)
      : g(args),
        a(args.call),
        wide(Tools::padded(a.head_dim)),
        value_wide(Tools::padded(a.value_dim)),
        key(a.key),
        value(a.value),
        key_gradient(g.d_key),
        value_gradient(g.d_value) {
    if (!copies(a)) return;
    const int64_t rows = size(a);
    key_copy = scratch;
    value_copy = key_copy + rows * wide;
    d_key_copy = value_copy + rows * value_wide;
    d_value_copy = d_key_copy + rows * wide;
  }

  /// Copies these keys; from now on they alone are here.
  void copy_in(const AttentionKeys& keys) {
    const int64_t rows = keys.last - keys.first;
    Tools::pack_rows(Tools::row_of(a.key, keys.batch, keys.first, keys.kv_head), a.key.length, rows, a.head_dim, T(1),
                     key_copy, nullptr);
    Tools::pack_rows(Tools::row_of(a.value, keys.batch, keys.first, keys.kv_head), a.value.length, rows, a.value_dim,
                     T(1), value_copy, nullptr);
    origin = keys.first;
    key = {key_copy, 0, wide, 0};
    value = {value_copy, 0, value_wide, 0};
    if (g.d_key.data) key_gradient = {d_key_copy, 0, wide, 0};
    if (g.d_value.data) value_gradient = {d_value_copy, 0, value_wide, 0};
  }

  /// Writes the gradients of the keys copied.
  void copy_out(const AttentionKeys& keys) const {
    auto copy = [&](const HeadRows<T*>& to, const T* from, int64_t columns, int64_t stride) {
      for (int64_t k = keys.first; to.data && k < keys.last; ++k, from += stride) {
        T* row = Tools::row_of(to, keys.batch, k, keys.kv_head);
        for (int64_t d = 0; d < columns; ++d) row[d] = from[d];
      }
    };
    copy(g.d_key, d_key_copy, a.head_dim, wide);
    copy(g.d_value, d_value_copy, a.value_dim, value_wide);
  }

  KeyBlock<T> block(int64_t batch, int64_t kv_head, int64_t k, int64_t n) const {
    return {at(key, batch, k, kv_head), key.length, at(value, batch, k, kv_head), value.length, k, n, false};
  }

  /// A key's row of its gradient, null where that is not asked for.
  T* d_key(int64_t batch, int64_t kv_head, int64_t k) const {
    return key_gradient.data ? at(key_gradient, batch, k, kv_head) : nullptr;
  }
  T* d_value(int64_t batch, int64_t kv_head, int64_t k) const {
    return value_gradient.data ? at(value_gradient, batch, k, kv_head) : nullptr;
  }
  int64_t d_key_stride() const { return key_gradient.length; }
  int64_t d_value_stride() const { return value_gradient.length; }

  /// Sets the gradients of the keys [first, last) to 0.
  void clear(int64_t batch, int64_t kv_head, int64_t first, int64_t last) const {
    for (int64_t k = first; k < last; ++k) {
      if (key_gradient.data) Tools::clear(d_key(batch, kv_head, k), a.head_dim);
      if (value_gradient.data) Tools::clear(d_value(batch, kv_head, k), a.value_dim);
    }
  }

 private:
  template <class P> P at(const HeadRows<P>& rows, int64_t batch, int64_t k, int64_t kv_head) const {
    return Tools::row_of(rows, batch, k - origin, kv_head);
  }

  const AttentionGradArgs<T>& g;
  const AttentionArgs<T>& a;
  int64_t wide, value_wide;       // columns of the copies
  HeadRows<const T*> key, value;  // the tensors, or copies that begin at key `origin`
  HeadRows<T*> key_gradient, value_gradient;
  T *key_copy = nullptr, *value_copy = nullptr, *d_key_copy = nullptr, *d_value_copy = nullptr;
  int64_t origin = 0;
};

}  // namespace weft::cpu
