#pragma once

#include <weft/core/tensor.hpp>

namespace weft {

/// Throws ShapeError unless query [batch..., Lq, features], key and value [batch..., Lkv, features] go together: key
/// and value of one length, their batch axes the query's, or 1, or missing.
void check_attention_inputs(const Tensor& query, const Tensor& key, const Tensor& value);

/// Throws ShapeError unless a mask or bias broadcasts to `logits` [batch..., heads, Lq, Lkv], aligned right; and when
/// it has one axis too few and could as well be meant for batch entries as for heads, naming both readings.
void check_mask(const char* what, const Tensor& mask, const Shape& logits);

}  // namespace weft
