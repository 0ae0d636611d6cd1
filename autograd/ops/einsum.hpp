#pragma once

#include <string_view>
#include <vector>

#include <weft/core/tensor.hpp>

namespace weft {

/// Einstein summation in NumPy's notation: `einsum("bqhd,bkhd->bhqk", {query, key})`. Letters name axes; a letter that
/// the result lacks is summed, one repeated within an operand takes the diagonal, `...` stands for broadcast axes.
/// Without
/// `->` the result has the letters that occur once, in alphabetical order. Operands are contracted from left to right.
/// Throws ValueError for malformed subscripts, ShapeError naming the letter whose sizes differ.
Tensor einsum(std::string_view subscripts, const std::vector<Tensor>& operands);
template <class... Operands>
Tensor einsum(std::string_view subscripts, const Tensor& first, const Operands&... others) {
  return einsum(subscripts, std::vector<Tensor>{first, static_cast<const Tensor&>(others)...});
}

/// Sum of products over the last `axes` axes of a and the first of b: a [a..., k...], b [k..., b...] -> [a..., b...].
Tensor tensordot(const Tensor& a, const Tensor& b, int axes = 2);
/// The same over axes_a of a, paired in order with axes_b of b. Throws ShapeError.
Tensor tensordot(const Tensor& a, const Tensor& b, const Shape& axes_a, const Shape& axes_b);

/// Every product of an element of a and one of b: [a.elements, b.elements].
Tensor outer(const Tensor& a, const Tensor& b);
/// Sum of products over the last axes: a [a..., k], b [b..., k] -> [a..., b...]; a product where one is a scalar.
Tensor inner(const Tensor& a, const Tensor& b);
/// Sum of products over the last axis of a and the last but one of b (its only one for a vector), as jnp.dot:
/// a [a..., k], b [b..., k, n] -> [a..., b..., n]; a product where one is a scalar.
Tensor dot(const Tensor& a, const Tensor& b);
/// Sum of the products of all elements, shapes flattened: [].
Tensor vdot(const Tensor& a, const Tensor& b);
/// Kronecker product; the smaller rank is filled with leading axes of length 1.
Tensor kron(const Tensor& a, const Tensor& b);

}  // namespace weft
