#include <weft/backends/cpu/attention.hpp>

#include <algorithm>
#include <atomic>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/scratch.hpp>
#include <weft/core/parallel.hpp>

namespace weft::cpu {
namespace {

/// Multiply-adds that are worth a task, and what a unit costs besides its own, in multiply-adds.
constexpr int64_t least_task = 512 * 1024, unit_cost = 8 * 1024;
/// Gradients are cut into about this many tasks, by keys where batch and heads are too few, but not below `least_keys`.
constexpr int64_t wanted_tasks = 16, least_keys = 256;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class T> const AttentionTypeKernels<T>& kernels() { return isa_kernels().attention.template of<T>(); }

/// Calls f(unit, scratch) for all units; `work` is the multiply-adds of one.
template <class T, class F> void for_units(const AttentionArgs<T>& args, int64_t units, int64_t work, F&& f) {
  int64_t chunk = std::max<int64_t>(1, least_task / (work + unit_cost));
  int64_t elements = kernels<T>().scratch(args);
  parallel_chunks(units, chunk, [&](int64_t begin, int64_t end) {
    T* memory = scratch<T>(ScratchUse::attention, elements);
    for (int64_t unit = begin; unit < end; ++unit) f(unit, memory);
  });
}

/// d_query, which holds the first piece of keys' share, += those of the `count` others, in order.
template <class T> void add_pieces(const AttentionGradArgs<T>& args, const T* pieces, int64_t count) {
  const AttentionArgs<T>& a = args.call;
  const int64_t row = a.heads * a.head_dim, piece = a.batch * a.query_length * row;
  parallel_chunks(a.batch * a.query_length, std::max<int64_t>(1, 65536 / std::max<int64_t>(1, row * count)),
                  [&](int64_t begin, int64_t end) {
                    for (int64_t i = begin; i < end; ++i)
                      for (int64_t h = 0; h < a.heads; ++h) {
                        const HeadRows<T*>& to = args.d_query;
                        T* sum = to.data + i / a.query_length * to.batch + i % a.query_length * to.length + h * to.head;
                        const T* from = pieces + i * row + h * a.head_dim;
                        for (int64_t p = 0; p < count; ++p)
                          for (int64_t d = 0; d < a.head_dim; ++d) sum[d] += from[p * piece + d];
                      }
                  });
}

/// Sums [batch, kv_heads, D + Dv] over the batch.
template <class T> void add_null_slots(const AttentionGradArgs<T>& args, const T* parts) {
  const AttentionArgs<T>& a = args.call;
  const int64_t width = a.head_dim + a.value_dim;
  auto add = [&](T* to, int64_t first, int64_t count) {
    if (!to) return;
    std::fill_n(to, a.kv_heads * count, T(0));
    for (int64_t b = 0; b < a.batch; ++b)
      for (int64_t h = 0; h < a.kv_heads; ++h)
        for (int64_t d = 0; d < count; ++d) to[h * count + d] += parts[(b * a.kv_heads + h) * width + first + d];
  };
  add(args.d_null_key, 0, a.head_dim);
  add(args.d_null_value, a.head_dim, a.value_dim);
}

}  // namespace

template <class T> void attention_forward(const AttentionArgs<T>& a) {
  const int64_t blocks = attention_blocks(a), units = a.batch * a.heads * blocks;
  if (units == 0) return;
  const int64_t work = std::min(a.query_length, attention_queries) * a.columns() * (a.head_dim + a.value_dim);
  static std::atomic<uint64_t> calls{0};
  const uint64_t call = ++calls;
  for_units(a, units, work, [&](int64_t unit, T* memory) {
    // Under a causal mask the last queries see most: they come first, so that the last tasks are short.
    int64_t head = unit / blocks, block = blocks - 1 - unit % blocks;
    thread_local PackedKeys packed;
    kernels<T>().forward(a, head / a.heads, head % a.heads, block, call, packed, memory);
  });
}

template <class T> void attention_backward(const AttentionGradArgs<T>& args) {
  const AttentionArgs<T>& a = args.call;
  const int64_t pairs = a.batch * a.kv_heads;
  int64_t pieces = 1;
  if (pairs > 0)
    pieces = std::clamp<int64_t>(ceil_div(wanted_tasks, pairs), 1, std::max<int64_t>(1, a.key_length / least_keys));
  const int64_t piece_keys = ceil_div(a.key_length, pieces), row = a.heads * a.head_dim;
  const int64_t query_elements = a.batch * a.query_length * row;

  T *piece_queries = nullptr, *null_slots = nullptr;
  if (pieces > 1 && args.d_query.data)
    piece_queries = scratch<T>(ScratchUse::attention_pieces, (pieces - 1) * query_elements);
  const int64_t null_width = a.head_dim + a.value_dim;
  if (a.null_key) null_slots = scratch<T>(ScratchUse::attention_nulls, pairs * null_width);

  const int64_t work = a.query_length * (a.heads / a.kv_heads) * std::max<int64_t>(1, piece_keys) * null_width * 5 / 2;
  for_units(a, pairs * pieces, work, [&](int64_t unit, T* memory) {
    const int64_t pair = unit % pairs, piece = unit / pairs;
    AttentionKeys keys{pair / a.kv_heads, pair % a.kv_heads, std::min(piece * piece_keys, a.key_length),
                       std::min((piece + 1) * piece_keys, a.key_length), a.null_key && piece == 0};
    HeadRows<T*> d_query = args.d_query;
    if (piece > 0 && piece_queries)
      d_query = {piece_queries + (piece - 1) * query_elements, a.query_length * row, row, a.head_dim};
    kernels<T>().backward(args, keys, d_query, null_slots ? null_slots + pair * null_width : nullptr, memory);
  });
  if (piece_queries) add_pieces(args, piece_queries, pieces - 1);
  if (a.null_key) add_null_slots(args, null_slots);
  if (args.d_bias.data)
    for_units(a, attention_bias_parts(args), least_task,
              [&](int64_t part, T* memory) { kernels<T>().bias_backward(args, part, memory); });
}

template void attention_forward(const AttentionArgs<float>&);
template void attention_forward(const AttentionArgs<double>&);
template void attention_backward(const AttentionGradArgs<float>&);
template void attention_backward(const AttentionGradArgs<double>&);

}  // namespace weft::cpu
