#include <weft/backends/cuda/blas/lt_plan.hpp>

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include <weft/backends/cuda/precision.hpp>

namespace weft::cuda {
namespace {

constexpr size_t most_calls = 64;  // beyond, one launch of an own kernel is better

/// The transpose of a row-major matrix as the library stores it: a column of its has a row of ours.
std::optional<LtMatrix> transpose_of(const Matrix& matrix) {
  const auto [data, rows, columns, row_stride, column_stride] = matrix;
  // Where there is but one row or column, its stride says nothing.
  if ((column_stride == 1 || columns == 1) && (row_stride >= columns || rows == 1))
    return LtMatrix{.rows = columns, .columns = rows, .leading = rows == 1 ? columns : row_stride};
  if ((row_stride == 1 || rows == 1) && (column_stride >= rows || columns == 1))
    return LtMatrix{
        .rows = rows, .columns = columns, .leading = columns == 1 ? rows : column_stride, .transposed = true};
  return std::nullopt;
}

/// The largest power of two, up to 256, by which an address or a distance divides.
int alignment_of(uint64_t bytes) { return bytes == 0 ? 256 : 1 << std::min(std::countr_zero(bytes), 8); }
int alignment_of(const void* memory) { return alignment_of(reinterpret_cast<uintptr_t>(memory)); }

/// Splits the batch: its longest axis is the library's, which strides lead through; each place of the others is a call.
bool plan_batch(const Product& product, LtPlan& plan) {
  const Walk<2>& batch = product.batch;
  const int64_t item = static_cast<int64_t>(size_of(product.dtype));
  plan.calls = {LtCall()};
  int inner = 0;
  for (int axis = 1; axis < batch.axes; ++axis)
    if (batch.extents[axis] >= batch.extents[inner]) inner = axis;
  int64_t d_stride = product.m() * product.n();
  for (int axis = batch.axes - 1; axis >= 0; --axis) {
    const int64_t extent = batch.extents[axis], a_stride = batch.steps[1][axis], b_stride = batch.steps[0][axis];
    if (axis == inner) {
      if (a_stride < 0 || b_stride < 0 || extent > std::numeric_limits<int32_t>::max()) return false;
      plan.key.batches = extent;
      plan.key.a.batch_stride = a_stride;
      plan.key.b.batch_stride = b_stride;
      plan.key.d.batch_stride = d_stride;
    } else {
      if (extent > static_cast<int64_t>(most_calls) || plan.calls.size() * static_cast<size_t>(extent) > most_calls)
        return false;
      const std::vector<LtCall> before = std::move(plan.calls);
      plan.calls.clear();
      for (const LtCall& call : before)
        for (int64_t i = 0; i < extent; ++i)
          plan.calls.push_back(
              {call.a + i * a_stride * item, call.b + i * b_stride * item, call.d + i * d_stride * item});
    }
    d_stride *= extent;
  }
  return true;
}

/// Gives the library what it may do of the epilogue, and leaves the rest.
void plan_epilogue(const Product& product, LtPlan& plan) {
  LtKey& key = plan.key;
  Product& rest = plan.rest;
  plan.d = product.kept ? product.kept : product.result;
  if (is_half(product.dtype)) {
    key.adds_bias = product.bias != nullptr;
    const bool keeps = product.kept != nullptr;
    // max(x, 0), which need not keep a NaN.
    if (product.activation == op::Activation::relu && !keeps) key.function = LtFunction::relu;
    // The library's is the tanh form; it keeps inputs whose columns are multiples of 8.
    if (product.activation == op::Activation::gelu_tanh && (!keeps || product.n() % 8 == 0)) {
      key.function = LtFunction::gelu;
      key.keeps_input = keeps;
      plan.d = product.result;
      if (keeps) plan.kept = product.kept;
    }
    // C comes before a function, but a residual after it.
    key.adds_c = product.residual && product.activation == op::Activation::none && !keeps;
  } else {
    // The wide types keep the bits of the ops one after another. The bias of op::Linear is part of its own call.
    key.adds_bias = product.bias && product.linear && product.dtype == DType::float32;
  }
  if (key.adds_bias) {
    plan.bias = std::exchange(rest.bias, nullptr);
    key.bias_alignment = alignment_of(plan.bias);
  }
  if (key.adds_c) {
    plan.c = std::exchange(rest.residual, nullptr);
    key.c_alignment = alignment_of(plan.c);
  }
  if (key.keeps_input) key.kept_alignment = alignment_of(plan.kept);
  if (key.function != LtFunction::none) rest.activation = op::Activation::none;
  if (key.keeps_input || (plan.d == product.kept && !rest.bias)) rest.kept = nullptr;
  plan.finished =
      plan.d == product.result && !rest.bias && !rest.residual && !rest.kept && rest.activation == op::Activation::none;
}

}  // namespace

std::optional<LtPlan> plan_lt(const Product& product) {
  if (!is_floating(product.dtype) || product.k() == 0) return std::nullopt;
  const auto a = transpose_of(product.b), b = transpose_of(product.a);
  if (!a || !b) return std::nullopt;
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  for (int64_t extent : {product.m(), product.n(), product.k(), a->leading, b->leading})
    if (extent > most) return std::nullopt;

  LtPlan plan;
  plan.device = product.device;
  plan.rest = product;
  plan.a = product.b.data;
  plan.b = product.a.data;
  LtKey& key = plan.key;
  key.device = product.device.index();
  key.dtype = product.dtype;
  key.tf32 = product.dtype == DType::float32 && tf32_allowed();
  key.a = *a;
  key.b = *b;
  key.d = {.rows = product.n(), .columns = product.m(), .leading = product.n()};
  if (!plan_batch(product, plan)) return std::nullopt;
  plan_epilogue(product, plan);

  key.a.alignment = alignment_of(plan.a);
  key.b.alignment = alignment_of(plan.b);
  key.d.alignment = alignment_of(plan.d);
  for (const LtCall& call : plan.calls) {
    key.a.alignment = std::min(key.a.alignment, alignment_of(static_cast<uint64_t>(call.a)));
    key.b.alignment = std::min(key.b.alignment, alignment_of(static_cast<uint64_t>(call.b)));
    const int d = alignment_of(static_cast<uint64_t>(call.d));
    key.d.alignment = std::min(key.d.alignment, d);
    if (key.adds_c) key.c_alignment = std::min(key.c_alignment, d);
    if (key.keeps_input) key.kept_alignment = std::min(key.kept_alignment, d);
  }
  return plan;
}

}  // namespace weft::cuda
