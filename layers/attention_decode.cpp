#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/pad.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/core/error.hpp>
#include <weft/layers/attention.hpp>
#include <weft/layers/attention_checks.hpp>

namespace weft {
namespace {

/// A mask or bias for `taken` keys or for a cache of `capacity`, as one for `length` of them: taken or capacity.
Tensor for_cached_keys(const Tensor& mask, int64_t taken, int64_t capacity, int64_t length) {
  if (!mask.defined() || mask.rank() < 1 || mask.shape().back() == length) return mask;
  if (mask.shape().back() == capacity) return slice_axis(mask, -1, 0, length);
  if (mask.shape().back() != taken || taken == 1) return mask;
  std::vector<PadWidth> widths(static_cast<size_t>(mask.rank()), {0, 0});
  widths.back().second = length - taken;
  return pad(mask, widths);
}

/// [n, capacity], true where the query at position first + i sees the cache's position j, none later than its own.
Tensor cached_positions(int64_t first, int64_t n, int64_t capacity, int64_t window_left, Device device) {
  const Tensor key = arange(capacity, DType::int64, device);
  const Tensor own = expand_dims(first + arange(n, DType::int64, device), 1);
  const Tensor seen = key <= own;
  return window_left < 0 ? seen : seen & (key >= own - window_left);
}

}  // namespace

void MultiHeadAttention::init_cache(const Shape& batch, int64_t max_length, DType dtype) {
  Scope scope(*this);
  check_size("max_length", max_length);
  if (!key.kernel.has_shape() || !value.kernel.has_shape())
    throw StateError(
        "init_cache: the sizes of key and value are not known yet; call initialize(model, inputs...) first");
  auto room = [&](const LinearGeneral& projection) {
    Shape shape = batch;
    shape.push_back(max_length);
    shape.push_back(num_key_value_heads);
    shape.push_back(projection.kernel.shape()[2]);
    return Cache(zeros(shape, dtype));
  };
  cached_key = room(key);
  cached_value = room(value);
  cache_index = Cache(Tensor(0).to(Device()));
}

void MultiHeadAttention::reset_cache() const {
  Scope scope(*this);
  if (!cache_index) throw StateError("reset_cache: there is no cache; call init_cache(batch, max_length) first");
  cached_key.set(zeros_like(cached_key.cell()->value()));
  cached_value.set(zeros_like(cached_value.cell()->value()));
  cache_index.set(Tensor(0).to(Device()));
}

Tensor MultiHeadAttention::decode(const Tensor& query_input, const AttentionCall& call) const {
  return decode(query_input, {}, {}, call);
}

Tensor MultiHeadAttention::decode(const Tensor& query_input, const Tensor& key_input, const Tensor& value_input,
                                  const AttentionCall& call) const {
  Scope scope(*this);
  if (!cache_index) throw StateError("decode: there is no cache; call init_cache(batch, max_length) first");
  const Tensor& keys = key_input.defined() ? key_input : query_input;
  const Tensor& values = value_input.defined() ? value_input : keys;
  check_attention_inputs(query_input, keys, values);
  const Shape room = cached_key.shape();
  const int place = room.rank() - 3;  // of the length axis
  const Shape batch = room.slice(0, place);
  for (const Tensor& input : {query_input, keys, values})
    if (!(input.shape().slice(0, input.rank() - 2) == batch))
      throw ShapeError("decode: expected inputs with the cache's batch axes " + to_string(batch) + ", got " +
                       to_string(input.shape()));
  const int64_t taken = cache_index.cell()->value().item<int64_t>(), n = keys.size(-2), capacity = room[place];
  if (query_input.size(-2) != n)
    throw ShapeError("decode: expected as many queries as keys, got query " + to_string(query_input.shape()) +
                     " and key " + to_string(keys.shape()));
  if (taken + n > capacity)
    throw StateError("decode: expected at most " + std::to_string(capacity - taken) +
                     " more positions in a cache that holds " + std::to_string(capacity) + " and has " +
                     std::to_string(taken) + ", got " + std::to_string(n));

  // A query that may attend to nothing attends, as Flax has it, to the whole cache: then all of it takes part.
  const bool whole = fully_masked == FullyMasked::uniform;
  const int64_t in_use = taken + n, length = whole ? capacity : in_use;
  AttentionCall causal_call = call;
  causal_call.mask = for_cached_keys(call.mask, in_use, capacity, length);
  causal_call.bias = for_cached_keys(call.bias, in_use, capacity, length);
  Shape logits = batch;
  for (int64_t extent : {num_heads, n, length}) logits.push_back(extent);
  check_mask("mask", causal_call.mask, logits);
  check_mask("bias", causal_call.bias, logits);
  if (whole) {
    const int64_t left = call.window_left.value_or(window_left);
    causal_call.mask =
        combine_masks({causal_call.mask, cached_positions(taken, n, capacity, left, query_input.device())});
    causal_call.window_left = causal_call.window_right = -1;
    causal_call.causal = Causal::none;
  } else {
    causal_call.causal = Causal::bottom_right;
  }

  Tensor q = project_query(query_input);
  ProjectedKeyValue fresh = project_pair(keys, values, q.shape().back());
  auto append = [&](const Cache& cache, const Tensor& rows) {
    std::vector<Index> where(static_cast<size_t>(place), slice());
    where.push_back(slice(taken, taken + n));
    Tensor all = slice_update(cache, cast(rows, cache.dtype()), where);
    if (!state_is_frozen()) cache.set(all);
    return cast(slice_axis(all, place, 0, length), rows.dtype());
  };
  ProjectedKeyValue all{append(cached_key, fresh.key), append(cached_value, fresh.value)};
  if (!state_is_frozen()) cache_index.set(Tensor(static_cast<int>(taken + n)).to(Device()));
  return attend(q, all, causal_call, false, query_input.shape().back()).out;
}

}  // namespace weft
