#pragma once

#include <weft/backends/cpu/isa/attention_block.hpp>

namespace weft::cpu {

/// Softmax over keys that come in blocks, in base 2: of each lane, what is taken from its logits and the sum of its
/// exponentials so far. Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018.
template <class T, class Arch> struct OnlineSoftmax {
  using Tools = AttentionTools<T, Arch>;
  using V = Vec<T, Arch>;
  /// Weights may grow to 2^16 before the base of the exponentials follows the largest logit: it seldom has to.
  static constexpr T slack = 16;

  T* scores = nullptr;   // [key][lane] of the present block
  int64_t lanes = 0;     // of each row of `scores`
  T* base = nullptr;     // what is taken from a lane's logits
  T* limit = nullptr;    // up to where they may go without a new base, -inf: nothing seen
  T* total = nullptr;    // the sum of a lane's exponentials
  T* rescale = nullptr;  // what became of the exponentials of earlier blocks, where `risen`
  bool risen = false;    // the present block changed some base

  void start() const {
    for (int64_t i = 0; i < lanes; i += V::size) {
      V(-Tools::infinity).store(limit + i);
      V(T(0)).store(base + i);
      V(T(0)).store(total + i);
    }
  }

  /// The keys [j, j + n) of the block hold plain logits in the lanes [i, i + width), some of them above the limit; the
  /// keys before them hold exponentials.
  void raise(int64_t j, int64_t n, int64_t i, int64_t width) {
    for (; width > 0; width -= V::size, i += V::size) {
      T* column = scores + i;
      V top = highest(i);
      for (int64_t r = j; r < j + n; ++r) top = max(top, V::load(column + r * lanes));
      const V factor = rebase(i, top);
      for (int64_t r = 0; r < j; ++r) (V::load(column + r * lanes) * factor).store(column + r * lanes);
      take_exponentials(i, j, j + n);
    }
  }

  /// Of the logits of the keys [begin, end), in the register of lanes from lane i on.
  void exponentials(int64_t i, int64_t begin, int64_t end) {
    const T* column = scores + i;
    V m0(-Tools::infinity), m1 = m0;
    int64_t j = begin;
    for (; j + 2 <= end; j += 2) {
      m0 = max(m0, V::load(column + j * lanes));
      m1 = max(m1, V::load(column + (j + 1) * lanes));
    }
    if (j < end) m0 = max(m0, V::load(column + j * lanes));
    const V top = max(m0, m1);
    if (any(top > V::load(limit + i))) rebase(i, max(highest(i), top));
    take_exponentials(i, begin, end);
  }

  /// `rescale` becomes the inverse of `total`, 0 where nothing was seen; `base` the logarithm of the sum in base 2, of
  /// which `logsumexp` gets the natural one.
  void finish(T* logsumexp) const {
    for (int64_t i = 0; i < lanes; i += V::size) {
      const V sum = V::load(total + i), nothing(-Tools::infinity);
      select(sum == V(T(0)), V(T(0)), V(T(1)) / sum).store(rescale + i);
      const V base_2 = select(sum == V(T(0)), nothing, V::load(base + i) + log2(sum));
      base_2.store(base + i);
      (base_2 * V(static_cast<T>(Tools::ln2))).store(logsumexp + i);
    }
  }

 private:
  /// The base, -inf where nothing was seen.
  V highest(int64_t i) const {
    return select(V::load(limit + i) == V(-Tools::infinity), V(-Tools::infinity), V::load(base + i));
  }

  /// Makes `top` the base of these lanes' exponentials; returns what becomes of those already taken.
  V rebase(int64_t i, V top) {
    const V old = V::load(base + i);
    const auto unseen = V::load(limit + i) == V(-Tools::infinity);
    // While nothing was seen, any finite number will do.
    V from = select(top == V(-Tools::infinity), V(T(0)), top);
    from.store(base + i);
    (top + V(slack)).store(limit + i);
    V factor = select(unseen, V(T(0)), exp2_nonpositive(old - from));
    if (!all(factor == V(T(1)))) {
      for (int64_t l = 0; !risen && l < lanes; l += V::size) V(T(1)).store(rescale + l);
      risen = true;
      (V::load(rescale + i) * factor).store(rescale + i);
      (V::load(total + i) * factor).store(total + i);
    }
    return factor;
  }

  void take_exponentials(int64_t i, int64_t j, int64_t end) {
    T* column = scores + i;
    const V from = V::load(base + i);
    V s0(T(0)), s1(T(0));
    for (; j + 2 <= end; j += 2) {
      V p0 = exp2_nonpositive(V::load(column + j * lanes) - from);
      V p1 = exp2_nonpositive(V::load(column + (j + 1) * lanes) - from);
      p0.store(column + j * lanes);
      p1.store(column + (j + 1) * lanes);
      s0 += p0;
      s1 += p1;
    }
    if (j < end) {
      V p = exp2_nonpositive(V::load(column + j * lanes) - from);
      p.store(column + j * lanes);
      s0 += p;
    }
    (V::load(total + i) + (s0 + s1)).store(total + i);
  }
};

}  // namespace weft::cpu
