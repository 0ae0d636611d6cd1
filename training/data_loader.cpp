#include <weft/training/data_loader.hpp>

#include <numeric>

#include <fmt/format.h>

namespace weft {

std::vector<int64_t> epoch_order(int64_t samples, bool shuffle, uint64_t seed, int64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(samples));
  std::iota(order.begin(), order.end(), 0);
  if (!shuffle) return order;
  RandomSequence random(RandomKey{fold_in(seed, static_cast<uint64_t>(epoch))});
  for (int64_t i = samples - 1; i > 0; --i)  // Fisher and Yates
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(random.below(i + 1))]);
  return order;
}

RandomSequence sample_random(uint64_t seed, int64_t epoch, int64_t sample) {
  uint64_t epoch_key = fold_in(seed, static_cast<uint64_t>(epoch));
  return RandomSequence(RandomKey{fold_in(epoch_key, static_cast<uint64_t>(sample))});
}

namespace detail {

void check(const DataLoaderOptions& options, int64_t samples) {
  if (samples < 1) throw ValueError(fmt::format("DataLoader: expected at least one sample, got {}", samples));
  if (options.batch_size < 1)
    throw ValueError(fmt::format("DataLoader: batch_size: expected at least 1, got {}", options.batch_size));
  if (options.workers < 0)
    throw ValueError(fmt::format("DataLoader: workers: expected at least 0, got {}", options.workers));
  if (options.prefetch < 0)
    throw ValueError(fmt::format("DataLoader: prefetch: expected at least 0, got {}", options.prefetch));
  if (options.drop_last && samples < options.batch_size)
    throw ValueError(
        fmt::format("DataLoader: drop_last leaves no batch: {} samples, batch_size {}", samples, options.batch_size));
}

void check_same_data(const DataLoaderState& expected, const DataLoaderState& got, int64_t batches) {
  auto same = [](const char* name, auto want, auto have) {
    if (want != have) throw StateError(fmt::format("DataLoader.restore: {}: expected {}, got {}", name, want, have));
  };
  same("samples", expected.samples, got.samples);
  same("batch_size", expected.batch_size, got.batch_size);
  same("seed", expected.seed, got.seed);
  same("shuffle", expected.shuffle, got.shuffle);
  same("drop_last", expected.drop_last, got.drop_last);
  if (got.epoch < 0 || got.batch < 0 || got.batch > batches)
    throw ValueError(fmt::format("DataLoader.restore: expected a batch in 0..{}, got epoch {}, batch {}", batches,
                                 got.epoch, got.batch));
}

}  // namespace detail

}  // namespace weft
