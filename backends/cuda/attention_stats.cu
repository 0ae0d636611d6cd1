#include <weft/backends/cuda/attention_stats.hpp>

#include <cmath>

#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/launch.hpp>

namespace weft::cuda {
namespace {

struct FillLengths {
  const int32_t* own;
  int32_t* lengths;
  int64_t batch;
  int32_t most;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t b = thread.global_index(); b < batch; b += thread.global_size()) {
      const int32_t length = own ? own[b] : most;
      lengths[b] = length < 0 ? 0 : length < most ? length : most;
    }
  }
};

/// One element of the logsumexp at a time, and back.
struct ReadStats {
  const float* stats;
  const int32_t *query_lengths, *key_lengths;
  float* logsumexp;
  int64_t n;
  int length, heads;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      const int64_t h = i % heads, q = i / heads % length, b = i / heads / length;
      const bool dead = query_lengths && (q >= query_lengths[b] || key_lengths[b] == 0);
      logsumexp[i] = dead ? static_cast<float>(-HUGE_VAL) : stats[(b * heads + h) * length + q];
    }
  }
};

struct WriteStats {
  const float* logsumexp;
  float* stats;
  int64_t n;
  int length, heads;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      const int64_t q = i % length, h = i / length % heads, b = i / length / heads;
      const float value = logsumexp[(b * length + q) * heads + h];
      stats[i] = value == static_cast<float>(-HUGE_VAL) ? 0 : value;
    }
  }
};

template <class U> struct ClearRows {
  const int32_t *lengths, *needed;
  U* rows;
  int64_t n, per_position, per_entry;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    for (int64_t i = thread.global_index(); i < n; i += thread.global_size()) {
      const int64_t b = i / per_entry;
      if (i % per_entry / per_position >= lengths[b] || needed[b] == 0) rows[i] = 0;
    }
  }
};

}  // namespace

void fill_lengths(const Tensor& own, int64_t most, Tensor& lengths) {
  const int64_t batch = lengths.elements();
  launch(FillLengths{own.defined() ? own.raw_as<int32_t>() : nullptr, lengths.mutable_raw_as<int32_t>(), batch,
                     static_cast<int32_t>(most)},
         blocks_for(batch), usual_threads);
}

void logsumexp_from_stats(const Tensor& stats, const SdpaLengths& lengths, Tensor& logsumexp, Tensor& out) {
  const bool has_lengths = lengths.query.defined();
  const int64_t n = logsumexp.elements();
  launch(ReadStats{stats.raw_as<float>(), has_lengths ? lengths.query.raw_as<int32_t>() : nullptr,
                   has_lengths ? lengths.key.raw_as<int32_t>() : nullptr, logsumexp.mutable_raw_as<float>(), n,
                   static_cast<int>(logsumexp.shape()[1]), static_cast<int>(logsumexp.shape()[2])},
         blocks_for(n), usual_threads);
  if (has_lengths) clear_past_lengths(lengths.query, lengths.key, out);
}

void stats_from_logsumexp(const Tensor& logsumexp, Tensor& stats) {
  const int64_t n = logsumexp.elements();
  launch(WriteStats{logsumexp.raw_as<float>(), stats.mutable_raw_as<float>(), n, static_cast<int>(logsumexp.shape()[1]),
                    static_cast<int>(logsumexp.shape()[2])},
         blocks_for(n), usual_threads);
}

void clear_past_lengths(const Tensor& lengths, const Tensor& needed, Tensor& rows) {
  const Shape& shape = rows.shape();
  const int64_t per_position = shape[2] * shape[3];
  visit_size(rows.dtype(), [&]<class U>(std::type_identity<U>) {
    launch(ClearRows<U>{lengths.raw_as<int32_t>(), needed.raw_as<int32_t>(), rows.mutable_raw_as<U>(), rows.elements(),
                        per_position, shape[1] * per_position},
           blocks_for(rows.elements()), usual_threads);
  });
}

}  // namespace weft::cuda
