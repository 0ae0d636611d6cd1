#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/core/error.hpp>
#include <weft/training/collate.hpp>
#include <weft/training/prefetch.hpp>
#include <weft/training/random_sequence.hpp>

namespace weft {

struct DataLoaderOptions {
  int64_t batch_size = 1;
  bool shuffle = false;    // a new order each epoch, from (seed, epoch)
  bool drop_last = false;  // leave out the last batch when it is not full
  uint64_t seed = 0;
  int workers = 0;   // threads that make batches ahead; 0: the loop makes them itself
  int prefetch = 2;  // batches ahead, at least one per worker
};

/// Where a loader stands, for checkpoints: numbers only. `batch` is how many batches of `epoch` were handed out.
struct DataLoaderState {
  int64_t epoch = 0, batch = 0;
  // What the batches depend on; restore() checks it.
  int64_t samples = 0, batch_size = 0;
  uint64_t seed = 0;
  bool shuffle = false, drop_last = false;
  friend bool operator==(const DataLoaderState&, const DataLoaderState&) = default;
};

/// The samples of an epoch in their order.
std::vector<int64_t> epoch_order(int64_t samples, bool shuffle, uint64_t seed, int64_t epoch);
/// The random numbers of one sample in one epoch.
RandomSequence sample_random(uint64_t seed, int64_t epoch, int64_t sample);

namespace detail {

/// Throws ValueError naming the option.
void check(const DataLoaderOptions& options, int64_t samples);
/// Throws StateError naming what differs, ValueError when the position is outside.
void check_same_data(const DataLoaderState& expected, const DataLoaderState& got, int64_t batches);

template <class DataSet> decltype(auto) get_sample(const DataSet& data, int64_t index, RandomSequence& random) {
  if constexpr (requires { data.get(index, random); }) {
    return data.get(index, random);
  } else if constexpr (requires { data.get(index); }) {
    return data.get(index);
  } else {
    return data[static_cast<size_t>(index)];
  }
}

}  // namespace detail

/// The `collate` found next to the sample's type, or for tensors, numbers and pairs of them (collate.hpp); otherwise
/// the batch is the vector of samples.
struct DefaultCollate {
  template <class Sample> auto operator()(std::vector<Sample> samples) const {
    if constexpr (requires { collate(samples); }) {
      return collate(samples);
    } else {
      return samples;
    }
  }
};

/// Batches of a dataset: `for (auto& batch : loader)` is one epoch.
///
/// A dataset has `size()` and one of `get(index, RandomSequence&)`, `get(index)`, `operator[]`; with workers it is
/// called from several threads at once. Augmentation draws from the RandomSequence, which depends on (seed, epoch,
/// index) alone: the batches are the same with any number of workers. What `get` or collate throws comes out of the
/// loop at that batch's turn, Weft's own errors with `sample 17` before their text.
///
/// A loop runs from where the loader stands to the end of its epoch. One that is left early (break, exception) gives
/// its epoch up: the next loop begins the next epoch. state() and restore() bring a new loader to the very place, so
/// that a resumed run sees the batches that the first would have seen.
template <class DataSet, class Collate = DefaultCollate> class DataLoader {
 public:
  using Sample = std::remove_cvref_t<decltype(detail::get_sample(std::declval<const DataSet&>(), int64_t{0},
                                                                 std::declval<RandomSequence&>()))>;
  using Batch = std::remove_cvref_t<std::invoke_result_t<const Collate&, std::vector<Sample>>>;

  /// `data` must outlive the loader. Throws ValueError for an empty dataset, batch_size < 1, negative workers, or
  /// drop_last that leaves no batch.
  explicit DataLoader(const DataSet& data, DataLoaderOptions options = {}, Collate collate = {})
      : data_(&data), options_(options), collate_(std::move(collate)) {
    detail::check(options_, samples());
  }
  explicit DataLoader(const DataSet&& data, DataLoaderOptions options = {}, Collate collate = {}) = delete;

  int64_t samples() const { return static_cast<int64_t>(data_->size()); }
  /// Batches of an epoch.
  int64_t size() const {
    return options_.drop_last ? samples() / options_.batch_size
                              : (samples() + options_.batch_size - 1) / options_.batch_size;
  }
  const DataLoaderOptions& options() const { return options_; }
  /// The epoch of the loop that runs, or of the next one.
  int64_t epoch() const { return left_early_ ? epoch_ + 1 : epoch_; }
  /// How many batches of epoch() were handed out.
  int64_t batch() const { return left_early_ ? 0 : batch_; }

  /// How many batches the next loop gives.
  int64_t remaining() const { return size() - batch(); }

  /// Where the loader stands; within a loop, after the batch at hand.
  DataLoaderState state() const {
    return {epoch_, batch_, samples(), options_.batch_size, options_.seed, options_.shuffle, options_.drop_last};
  }
  /// The next loop goes on from there. Throws StateError when the state is of other data or options.
  void restore(const DataLoaderState& state) {
    detail::check_same_data(this->state(), state, size());
    leave(loop_);
    move_to(state.epoch, state.batch);
  }

  /// One batch of an epoch, apart from any loop; throws IndexError when it is outside.
  Batch batch_at(int64_t epoch, int64_t batch) const {
    if (batch < 0 || batch >= size())
      throw IndexError("DataLoader: expected a batch below " + std::to_string(size()) + ", got " +
                       std::to_string(batch));
    return make(epoch_order(samples(), options_.shuffle, options_.seed, epoch), epoch, batch);
  }

  struct End {};
  /// Moves, but does not copy: its end is the loop's.
  class Iterator {
   public:
    explicit Iterator(DataLoader& loader) : loader_(&loader), loop_(loader.loop_) { loader_->advance(loop_); }
    Iterator(Iterator&& other) noexcept : loader_(std::exchange(other.loader_, nullptr)), loop_(other.loop_) {}
    Iterator& operator=(Iterator&&) = delete;
    ~Iterator() {
      if (loader_) loader_->leave(loop_);
    }
    Batch& operator*() const { return *loader_->current_; }
    Batch* operator->() const { return loader_->current_.get(); }
    Iterator& operator++() {
      loader_->advance(loop_);
      return *this;
    }
    void operator++(int) { ++*this; }
    bool ended() const { return !loader_->current_; }
    friend bool operator==(const Iterator& iterator, End) { return iterator.ended(); }

   private:
    DataLoader* loader_;
    int64_t loop_;
  };

  /// Begins a loop; an earlier one that still runs is given up.
  Iterator begin() {
    leave(loop_);
    if (left_early_) move_to(epoch_ + 1, 0);
    auto order =
        std::make_shared<const std::vector<int64_t>>(epoch_order(samples(), options_.shuffle, options_.seed, epoch_));
    ++loop_;
    prefetcher_.emplace(options_.workers, options_.prefetch, batch_, size(),
                        [this, order, epoch = epoch_](int64_t batch) {
                          return std::shared_ptr<void>(std::make_shared<Batch>(make(*order, epoch, batch)));
                        });
    return Iterator(*this);
  }
  End end() const { return {}; }

  // The workers hold this loader's address.
  DataLoader(const DataLoader&) = delete;
  DataLoader& operator=(const DataLoader&) = delete;

 private:
  Batch make(const std::vector<int64_t>& order, int64_t epoch, int64_t batch) const {
    const DeviceScope host{Device()};  // as on the workers' threads
    int64_t first = batch * options_.batch_size, last = std::min(first + options_.batch_size, samples());
    std::vector<Sample> samples;
    samples.reserve(static_cast<size_t>(last - first));
    for (int64_t i = first; i < last; ++i) {
      int64_t index = order[static_cast<size_t>(i)];
      std::string name = "sample " + std::to_string(index);
      ErrorScope scope(name);
      RandomSequence random = sample_random(options_.seed, epoch, index);
      samples.push_back(detail::get_sample(*data_, index, random));
    }
    return collate_(std::move(samples));
  }

  void advance(int64_t loop) {
    if (loop != loop_ || !prefetcher_) throw StateError("DataLoader: this loop has ended, or another has begun");
    current_.reset();
    try {
      current_ = std::static_pointer_cast<Batch>(prefetcher_->next());
    } catch (...) {
      leave(loop);
      throw;
    }
    if (current_) {
      ++batch_;
    } else {
      prefetcher_.reset();
      move_to(epoch_ + 1, 0);
    }
  }

  /// The end of a loop: early, when its prefetcher is still there.
  void leave(int64_t loop) {
    if (loop != loop_ || !prefetcher_) return;
    left_early_ = true;
    current_.reset();
    prefetcher_.reset();
  }

  void move_to(int64_t epoch, int64_t batch) {
    epoch_ = epoch;
    batch_ = batch;
    left_early_ = false;
  }

  const DataSet* data_;
  DataLoaderOptions options_;
  Collate collate_;
  int64_t epoch_ = 0, batch_ = 0, loop_ = 0;
  bool left_early_ = false;
  std::shared_ptr<Batch> current_;
  std::optional<Prefetcher> prefetcher_;
};

}  // namespace weft
