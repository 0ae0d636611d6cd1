#include <cmath>
#include <csignal>
#include <limits>
#include <numeric>
#include <sstream>

#include <catch2/catch.hpp>

#include <weft/tests/support/same_bits.hpp>
#include <weft/tests/support/temporary_folder.hpp>
#include <weft/weft.hpp>

using namespace weft;
using namespace weft::testing;
using Catch::Matchers::Contains;
using weft::test::TemporaryFolder;

namespace {

/// Lines with noise; 23 of them in batches of 5 leave 3 for the last.
struct Points {
  int64_t size() const { return 23; }
  std::pair<Tensor, Tensor> get(int64_t index, RandomSequence& random) const {
    float x = static_cast<float>(index) / 23;
    return {Tensor::from<float>({x, 1 - x, x * x}, {3}), Tensor(2 * x - 1 + random.uniform(-0.1f, 0.1f))};
  }
};

struct Net {
  Linear up;
  Dropout drop;
  Linear down;
  WEFT_MODULE(Net, up, drop, down)

  explicit Net(Rngs& rngs)
      : up({.in_features = 3, .out_features = 7}, rngs),
        drop({.rate = 0.25}, rngs),
        down({.in_features = 7, .out_features = 1}, rngs) {
    materialize(module_ref(*this));
  }
  Tensor operator()(const Tensor& x) const {
    Scope scope(*this);
    return squeeze(down(drop(gelu(up(x)))), -1);
  }
};

struct Run {
  Rngs rngs{3};
  Net model{rngs};
  Optimizer optimizer{model, adamw({.learning_rate = 0.01})};
  ParameterAverage average{model, 0.125};
  Points points;
  DataLoader<Points> loader{points, {.batch_size = 5, .shuffle = true, .seed = 7}};

  FitResult fit(FitOptions options) {
    options.progress = false;
    auto step = jit([&](const Tensor& x, const Tensor& y) {
      auto [loss, grads] = value_and_grad(model, [&] { return mean(square(model(x) - y)); });
      optimizer.update(grads);
      average.update(model);
      return loss;
    });
    options.after_epoch = [&](int64_t epoch) {
      eval(model);
      return NamedValues{{"bias", model.down.bias.get().item<double>()}, {"twice", 2.0 * static_cast<double>(epoch)}};
    };
    return weft::fit(
        {.model = model, .optimizer = optimizer, .rngs = rngs, .average = average}, loader,
        [&](const auto& batch) { return step(batch.first.to(default_device()), batch.second.to(default_device())); },
        options);
  }
};

/// A step that needs no model: it returns what the test wants.
struct Numbers {
  std::vector<double> samples;
  int64_t size() const { return static_cast<int64_t>(samples.size()); }
  double operator[](size_t i) const { return samples[i]; }
};
struct KeepSamples {
  std::vector<double> operator()(std::vector<double> samples) const { return samples; }
};
using NumberLoader = DataLoader<Numbers, KeepSamples>;

double mean_of(const std::vector<double>& batch) {
  return std::accumulate(batch.begin(), batch.end(), 0.0) / static_cast<double>(batch.size());
}

}  // namespace

TEST_CASE("fit: stopped at any step and resumed, a run ends with the bits of one that was not", "[fit]") {
  Run whole;
  FitResult expected = whole.fit({.epochs = 3});
  CHECK(expected.finished);
  CHECK(expected.steps == 15);
  REQUIRE(expected.history.rows() == 3);
  CHECK(expected.history.column("epoch") == std::vector<double>{1, 2, 3});
  CHECK(expected.history.column("twice") == std::vector<double>{2, 4, 6});
  for (int64_t stop = 1; stop <= 15; ++stop) {
    INFO("stopped at step " << stop);
    TemporaryFolder folder;
    Run first, second;
    FitResult part = first.fit({.epochs = 3, .folder = folder.path().string(), .stop_at_step = stop});
    CHECK_FALSE(part.finished);
    CHECK(part.steps == stop);
    FitResult rest = second.fit({.epochs = 3, .folder = folder.path().string(), .resume = true});
    CHECK(rest.finished);
    CHECK(rest.steps == 15);
    CHECK(rest.history == expected.history);
    check_same_bits(state(whole.model), state(second.model));
    check_same_bits(whole.optimizer.state(), second.optimizer.state());
    check_same_bits(whole.average.average(), second.average.average());
  }
}

TEST_CASE("fit: a killed run goes on from its newest checkpoint, of which the newest few are kept", "[fit]") {
  TemporaryFolder folder;
  std::string path = folder.path().string();
  Run whole, killed, second;
  FitResult expected = whole.fit({.epochs = 2});
  // What the checkpoint of step 8 holds is what a run that dies in step 9 leaves.
  killed.fit({.epochs = 2, .folder = path, .checkpoint_every = 4, .keep = 3, .stop_at_step = 9});
  CHECK(list_checkpoints(path).size() == 3);  // of steps 5, 8, 9; that of 4 is gone
  std::filesystem::remove_all(checkpoint_path(path, 9));
  FitResult rest = second.fit({.epochs = 2, .folder = path, .resume = true});
  CHECK(rest.history == expected.history);
  check_same_bits(state(whole.model), state(second.model));
}

TEST_CASE("fit: resuming what has ended does nothing, and more epochs go on", "[fit]") {
  TemporaryFolder folder;
  std::string path = folder.path().string();
  Run whole, first, again, more;
  FitResult expected = whole.fit({.epochs = 3});
  first.fit({.epochs = 2, .folder = path});
  FitResult nothing = again.fit({.epochs = 2, .folder = path, .resume = true});
  CHECK(nothing.finished);
  CHECK(nothing.steps == 10);
  CHECK(nothing.history.rows() == 2);
  CHECK(more.fit({.epochs = 3, .folder = path, .resume = true}).history == expected.history);
  check_same_bits(state(whole.model), state(more.model));
}

TEST_CASE("fit: the mean of an epoch weighs batches by their samples, or as it is told", "[fit]") {
  Numbers numbers{{1, 2, 3, 4, 5, 6, 7}};
  NumberLoader loader(numbers, {.batch_size = 3}), weighed(numbers, {.batch_size = 3});
  FitOptions options{.epochs = 1, .progress = false};
  FitResult run = fit({}, loader, mean_of, options);
  CHECK(run.history.last("loss") == 4);  // not the mean of 2, 5 and 7
  run = fit({}, weighed, mean_of, options, [](const std::vector<double>& batch) { return batch[0] == 7 ? 2 : 1; });
  CHECK(run.history.last("loss") == (2 + 5 + 2 * 7) / 4.0);
}

TEST_CASE("fit: a step may return several numbers", "[fit]") {
  Numbers numbers{{1, 2, 3, 4, 5}};
  NumberLoader loader(numbers, {.batch_size = 2});
  FitOptions options{.epochs = 2, .values = {"loss", "square"}, .progress = false};
  auto step = [](const std::vector<double>& batch) {
    return std::pair(Tensor(mean_of(batch)), Tensor(mean_of(batch) * mean_of(batch)));
  };
  FitResult run = fit({}, loader, step, options);
  CHECK(run.steps == 6);
  CHECK(run.history.columns() == std::vector<std::string>{"epoch", "loss", "square"});
  CHECK(run.history.column("square")[1] == Approx((2 * 2.25 + 2 * 12.25 + 25) / 5));
  options.values = {"loss"};
  NumberLoader other(numbers, {.batch_size = 2});
  CHECK_THROWS_WITH(fit({}, other, step, options), Contains("returned 2 values"));
}

TEST_CASE("fit: a loss that is not finite ends the run and names its step", "[fit]") {
  TemporaryFolder folder;
  Numbers numbers{{1, 2, 3, std::numeric_limits<double>::quiet_NaN(), 5}};
  NumberLoader loader(numbers, {.batch_size = 1});
  FitOptions options{.folder = folder.path().string(), .checkpoint_every = 1, .progress = false};
  CHECK_THROWS_WITH(fit({}, loader, mean_of, options), Contains("loss at step 4 is nan"));
  CHECK(latest_checkpoint(options.folder) == checkpoint_path(options.folder, 3));  // not the spoilt one
}

TEST_CASE("fit: an interrupt saves and stops", "[fit]") {
  TemporaryFolder folder;
  Numbers numbers{{1, 2, 3, 4, 5, 6, 7}};
  NumberLoader loader(numbers, {.batch_size = 2}), again(numbers, {.batch_size = 2});
  FitOptions options{.folder = folder.path().string(), .progress = false};
  FitResult run = fit(
      {}, loader,
      [](const std::vector<double>& batch) {
        if (batch[0] == 3) std::raise(SIGINT);
        return mean_of(batch);
      },
      options);
  CHECK_FALSE(run.finished);
  CHECK(run.steps == 2);
  options.resume = true;
  run = fit({}, again, mean_of, options);
  CHECK(run.finished);
  CHECK(run.steps == 4);
  CHECK(run.history.last("loss") == 4);
}

TEST_CASE("fit: options and folders that do not fit are told", "[fit]") {
  TemporaryFolder folder;
  Numbers numbers{{1, 2, 3}};
  NumberLoader loader(numbers, {.batch_size = 1});
  CHECK_THROWS_WITH(fit({}, loader, mean_of, {.folder = (folder / "none").string(), .resume = true}),
                    Contains("there is no checkpoint"));
  CHECK_THROWS_WITH(fit({}, loader, mean_of, {.resume = true}), Contains("expected a folder"));
  CHECK_THROWS_WITH(fit({}, loader, mean_of, {.epochs = -1}), Contains("epochs: expected at least 0, got -1"));
  save_checkpoint(checkpoint_path(folder.path().string(), 1), {});
  CHECK_THROWS_AS(fit({}, loader, mean_of, {.folder = folder.path().string(), .resume = true}), FormatError);
}

TEST_CASE("fit: progress shows the running mean and what was measured after an epoch", "[fit]") {
  Numbers numbers{{1, 2, 3}};
  NumberLoader loader(numbers, {.batch_size = 1});
  std::ostringstream shown;
  fit({}, loader, mean_of,
      {.epochs = 1,
       .after_epoch =
           [](int64_t) {
             return NamedValues{{"accuracy", 0.75}};
           },
       .progress_style = {.stream = &shown}});
  CHECK_THAT(shown.str(), Contains("epoch 1/1") && Contains("3/3") && Contains("loss 2") && Contains("accuracy 0.75"));
}

TEST_CASE("history: text gives every bit back", "[fit]") {
  History history;
  CHECK(History::from_text(history.to_text()) == history);
  history.add({{"epoch", 1}, {"mean loss", 0.1}});
  history.add({{"epoch", 2}, {"mean loss", -1e-310}, {"late", std::numeric_limits<double>::infinity()}});
  History read = History::from_text(history.to_text());
  CHECK(read == history);
  CHECK(read.last("mean loss") == -1e-310);
  CHECK(std::isnan(read.column("late")[0]));
  CHECK_FALSE(read.has("other"));
  CHECK_THROWS_WITH(read.column("other"), Contains("epoch, mean loss, late") && Contains("'other'"));
  CHECK_THROWS_AS(history.add({{"a\tb", 1}}), ValueError);
  CHECK_THROWS_AS(history.add({{"a", 1}, {"a", 2}}), ValueError);
  CHECK_THROWS_WITH(History::from_text("a\tb\n0x1p+0\n"), Contains("line 2"));
  CHECK_THROWS_WITH(History::from_text("a\nx\n"), Contains("line 2"));
}
