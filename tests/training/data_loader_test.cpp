#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <set>
#include <string>
#include <thread>

#include <weft/training/data_loader.hpp>

namespace clips {

struct Clip {
  std::vector<int32_t> words;
  int32_t label = 0;
  float noise = 0;
};

struct ClipBatch {
  weft::Padded words;
  weft::Tensor labels, noise;
};

ClipBatch collate(const std::vector<Clip>& clips) {
  using weft::stack;
  return {weft::pad_to_longest(clips, &Clip::words, -1), stack(clips, &Clip::label), stack(clips, &Clip::noise)};
}

/// Sample i has i % 5 words and the label i; its noise is random.
struct Clips {
  int64_t count = 23;
  int64_t size() const { return count; }
  Clip get(int64_t index, weft::RandomSequence& random) const {
    Clip clip{std::vector<int32_t>(static_cast<size_t>(index % 5), static_cast<int32_t>(index)),
              static_cast<int32_t>(index), random.uniform()};
    if (random.chance(0.5)) std::this_thread::yield();
    return clip;
  }
};

}  // namespace clips

using namespace weft;

namespace {

struct Seen {
  std::vector<int32_t> labels;
  std::vector<float> noise;
  bool operator==(const Seen&) const = default;
};

Seen seen(const clips::ClipBatch& batch) { return {batch.labels.to_vector<int32_t>(), batch.noise.to_vector<float>()}; }

template <class Loader> std::vector<Seen> epoch_of(Loader& loader) {
  std::vector<Seen> batches;
  for (auto& batch : loader) batches.push_back(seen(batch));
  return batches;
}

struct Fragile {
  int64_t bad = 13;
  int64_t size() const { return 23; }
  int32_t get(int64_t index) const {
    if (index == bad) throw ValueError("bad picture");
    if (index == bad + 1) throw std::runtime_error("not one of ours");
    return static_cast<int32_t>(index);
  }
};

}  // namespace

TEST_CASE("a loader gives every sample once, in order, with a ragged last batch") {
  clips::Clips data;
  DataLoader loader(data, {.batch_size = 7});
  REQUIRE(loader.size() == 4);
  std::vector<int32_t> labels;
  std::vector<size_t> sizes;
  for (auto& batch : loader) {
    std::vector<int32_t> some = batch.labels.template to_vector<int32_t>();
    sizes.push_back(some.size());
    labels.insert(labels.end(), some.begin(), some.end());
  }
  std::vector<int32_t> expected(23);
  std::iota(expected.begin(), expected.end(), 0);
  CHECK(labels == expected);
  CHECK(sizes == std::vector<size_t>{7, 7, 7, 2});
  CHECK(loader.epoch() == 1);

  DataLoader whole(data, {.batch_size = 7, .drop_last = true});
  CHECK(whole.size() == 3);
  CHECK(epoch_of(whole).size() == 3);
}

TEST_CASE("shuffling is a permutation that depends on seed and epoch alone") {
  std::vector<int64_t> a = epoch_order(101, true, 3, 0), sorted = a;
  std::sort(sorted.begin(), sorted.end());
  std::vector<int64_t> identity = epoch_order(101, false, 3, 0);
  CHECK(sorted == identity);
  CHECK(a != identity);
  CHECK(a == epoch_order(101, true, 3, 0));
  CHECK(a != epoch_order(101, true, 3, 1));
  CHECK(a != epoch_order(101, true, 4, 0));

  // Every place is equally likely for sample 0: over 2000 epochs of 5 samples, 400 times each.
  std::vector<int> places(5);
  for (int64_t epoch = 0; epoch < 2000; ++epoch) {
    std::vector<int64_t> order = epoch_order(5, true, 11, epoch);
    ++places[static_cast<size_t>(std::find(order.begin(), order.end(), 0) - order.begin())];
  }
  for (int count : places) CHECK(std::abs(count - 400) < 90);  // 5 standard deviations
}

TEST_CASE("batches are the same with any number of workers", "[threads]") {
  clips::Clips data{101};
  DataLoader alone(data, {.batch_size = 7, .shuffle = true, .seed = 5});
  std::vector<std::vector<Seen>> expected{epoch_of(alone), epoch_of(alone)};
  CHECK(expected[0] != expected[1]);
  for (int workers : {1, 2, 5})
    for (int prefetch : {0, 1, 7}) {
      DataLoader loader(data, {.batch_size = 7, .shuffle = true, .seed = 5, .workers = workers, .prefetch = prefetch});
      CHECK(epoch_of(loader) == expected[0]);
      CHECK(epoch_of(loader) == expected[1]);
    }
}

TEST_CASE("augmentation depends on seed, epoch and sample, not on the order") {
  clips::Clips data;
  DataLoader ordered(data, {.batch_size = 23, .seed = 9}),
      shuffled(data, {.batch_size = 5, .shuffle = true, .seed = 9});
  std::vector<float> noise = epoch_of(ordered)[0].noise;
  for (const Seen& batch : epoch_of(shuffled))
    for (size_t i = 0; i < batch.labels.size(); ++i)
      CHECK(batch.noise[i] == noise[static_cast<size_t>(batch.labels[i])]);
  CHECK(epoch_of(ordered)[0].noise != noise);
  CHECK(std::set<float>(noise.begin(), noise.end()).size() == noise.size());
}

TEST_CASE("a restored loader goes on with the very batches", "[threads]") {
  clips::Clips data;
  DataLoaderOptions options{.batch_size = 4, .shuffle = true, .seed = 2, .workers = 2};
  DataLoader first(data, options);
  epoch_of(first);
  DataLoaderState state;
  std::vector<Seen> rest;
  for (auto& batch : first) {
    if (state.batch == 3) rest.push_back(seen(batch));
    if (first.batch() == 3) state = first.state();
  }
  REQUIRE(state.epoch == 1);
  REQUIRE(state.batch == 3);
  std::vector<Seen> next = epoch_of(first);

  DataLoader second(data, options);
  second.restore(state);
  CHECK(second.epoch() == 1);
  CHECK(second.batch() == 3);
  CHECK(epoch_of(second) == rest);
  CHECK(epoch_of(second) == next);

  SECTION("a state after an epoch's last batch gives an empty rest") {
    state.batch = second.size();
    second.restore(state);
    CHECK(epoch_of(second).empty());
    CHECK(second.epoch() == 2);
  }
  SECTION("a state of other data or options is refused") {
    DataLoader other(data, {.batch_size = 5, .shuffle = true, .seed = 2});
    CHECK_THROWS_WITH(other.restore(state), "DataLoader.restore: batch_size: expected 5, got 4");
    DataLoaderState far = second.state();
    far.batch = 99;
    CHECK_THROWS_AS(second.restore(far), ValueError);
  }
}

TEST_CASE("a loop left early gives its epoch up, and its state still tells where it was", "[threads]") {
  clips::Clips data;
  for (int workers : {0, 3}) {
    DataLoader loader(data, {.batch_size = 4, .shuffle = true, .seed = 2, .workers = workers});
    for (auto& batch : loader) {
      CHECK(seen(batch) == seen(loader.batch_at(0, 0)));
      break;
    }
    CHECK(loader.state().epoch == 0);
    CHECK(loader.state().batch == 1);
    CHECK(loader.epoch() == 1);
    CHECK(loader.batch() == 0);
    CHECK(epoch_of(loader).size() == 6);
    CHECK(loader.epoch() == 2);
  }
}

TEST_CASE("an exception comes out at its batch's turn", "[threads]") {
  Fragile data;
  for (int workers : {0, 1, 4}) {
    DataLoader loader(data, {.batch_size = 3, .workers = workers, .prefetch = 8});
    int64_t batches = 0;
    auto run = [&] {
      for (auto& batch : loader) {
        static_cast<void>(batch);
        ++batches;
      }
    };
    CHECK_THROWS_WITH(run(), "sample 13: bad picture");
    CHECK(batches == 4);
    CHECK(loader.state().batch == 4);
  }
  data.bad = 2;  // and sample 3 throws what is not Weft's own
  DataLoader foreign(data, {.batch_size = 1, .workers = 2});
  DataLoaderState after = foreign.state();
  after.batch = 3;
  foreign.restore(after);
  CHECK_THROWS_WITH(foreign.begin(), "not one of ours");
  CHECK(foreign.epoch() == 1);
}

TEST_CASE("workers stop when a loader goes away within its loop", "[threads]") {
  clips::Clips data{1009};
  for (int round = 0; round < 20; ++round) {
    DataLoader loader(data, {.batch_size = 1, .workers = 3, .prefetch = 5});
    int batches = 0;
    for (auto& batch : loader) {
      static_cast<void>(batch);
      if (++batches == round) break;
    }
    CHECK(batches == (round == 0 ? 1009 : round));
  }
}

TEST_CASE("a second loop ends the first") {
  clips::Clips data;
  DataLoader loader(data, {.batch_size = 4});
  auto first = loader.begin();
  auto second = loader.begin();
  CHECK_THROWS_AS(++first, StateError);
  CHECK(second->labels.size(0) == 4);
  CHECK(loader.epoch() == 1);
}

TEST_CASE("bad loader options name themselves") {
  clips::Clips data, none{0};
  CHECK_THROWS_WITH(DataLoader(none), "DataLoader: expected at least one sample, got 0");
  CHECK_THROWS_WITH(DataLoader(data, {.batch_size = 0}), "DataLoader: batch_size: expected at least 1, got 0");
  CHECK_THROWS_WITH(DataLoader(data, {.workers = -1}), "DataLoader: workers: expected at least 0, got -1");
  CHECK_THROWS_WITH(DataLoader(data, {.batch_size = 29, .drop_last = true}),
                    "DataLoader: drop_last leaves no batch: 23 samples, batch_size 29");
  CHECK_THROWS_AS(DataLoader(data).batch_at(0, 23), IndexError);
}

TEST_CASE("vectors are datasets, and samples without a collate stay as they are") {
  std::vector<std::string> names{"a", "b", "c"};
  DataLoader loader(names, {.batch_size = 2});
  std::vector<std::vector<std::string>> batches;
  for (auto& batch : loader) batches.push_back(batch);
  CHECK(batches == std::vector<std::vector<std::string>>{{"a", "b"}, {"c"}});

  std::vector<std::pair<Tensor, int32_t>> pairs;
  for (int i = 0; i < 3; ++i) pairs.emplace_back(Tensor::from(std::vector<float>{1.0f * i, 2}, {2}), i);
  DataLoader tensors(pairs, {.batch_size = 3});
  for (auto& [images, labels] : tensors) {
    CHECK(images.shape() == Shape{3, 2});
    CHECK(images.to_vector<float>() == std::vector<float>{0, 2, 1, 2, 2, 2});
    CHECK(labels.to_vector<int32_t>() == std::vector<int32_t>{0, 1, 2});
  }

  int factor = 10;
  DataLoader custom(names, {.batch_size = 3},
                    [factor](const std::vector<std::string>& some) { return factor * static_cast<int>(some.size()); });
  for (int& batch : custom) CHECK(batch == 30);
}

TEST_CASE("fields of samples become padded tensors with masks") {
  std::vector<clips::Clip> samples{{{1, 2, 3}, 0, 0}, {{}, 1, 0}, {{7}, 2, 0}};
  Padded words = pad_to_longest(samples, &clips::Clip::words, -1);
  CHECK(words.values.shape() == Shape{3, 3});
  CHECK(words.values.to_vector<int32_t>() == std::vector<int32_t>{1, 2, 3, -1, -1, -1, 7, -1, -1});
  const bool* mask = words.mask.data<bool>();
  CHECK(std::vector<bool>(mask, mask + 9) == std::vector<bool>{1, 1, 1, 0, 0, 0, 1, 0, 0});
  CHECK(words.lengths.to_vector<int64_t>() == std::vector<int64_t>{3, 0, 1});
  CHECK(pad_to_length(samples, &clips::Clip::words, 5).values.shape() == Shape{3, 5});
  CHECK_THROWS_WITH(pad_to_length(samples, &clips::Clip::words, 2),
                    "pad: expected samples of at most 2 elements, got one of 3");

  std::vector<Tensor> rows{Tensor::from(std::vector<float>{1, 2, 3, 4}, {2, 2}),
                           Tensor::from(std::vector<float>{5, 6}, {1, 2})};
  Tensor padded = pad_samples(rows, -1, 9);
  CHECK(padded.shape() == Shape{2, 2, 2});
  CHECK(padded.to_vector<float>() == std::vector<float>{1, 2, 3, 4, 5, 6, 9, 9});
  // Strided samples are read through their strides.
  Tensor transposed = rows[0].strided_view({2, 2}, {1, 2}, 0);
  CHECK(stack_samples({transposed, rows[0]}).to_vector<float>() == std::vector<float>{1, 3, 2, 4, 1, 2, 3, 4});

  CHECK_THROWS_AS(stack_samples({}), ValueError);
  CHECK_THROWS_WITH(stack_samples(rows), "stack: sample 1: expected the shape [2, 2], got [1, 2]");
  CHECK_THROWS_AS(stack_samples({rows[1], Tensor::from(std::vector<int32_t>{1, 2}, {1, 2})}), DTypeError);
  CHECK_THROWS_AS(stack(samples, &clips::Clip::words), ShapeError);
}
