#include <catch2/catch.hpp>

#include <weft/core/file.hpp>
#include <weft/tests/support/full_disk.hpp>
#include <weft/tests/support/same_bits.hpp>
#include <weft/tests/support/temporary_folder.hpp>
#include <weft/weft.hpp>

using namespace weft;
using namespace weft::testing;
using Catch::Matchers::Contains;
using weft::test::FullDisk, weft::test::TemporaryFolder;

namespace {

struct Net {
  Linear up;
  Dropout drop;
  Linear down;
  WEFT_MODULE(Net, up, drop, down)

  explicit Net(Rngs& rngs, int64_t width = 7)
      : up({.in_features = 5, .out_features = width}, rngs),
        drop({.rate = 0.25}, rngs),
        down({.in_features = width, .out_features = 3}, rngs) {
    materialize(module_ref(*this));
  }
  Tensor operator()(const Tensor& x) const {
    Scope scope(*this);
    return down(drop(gelu(up(x))));
  }
};

/// A model, its optimizer, and a loop over data that depends on the step alone.
struct Run {
  Rngs rngs{3};
  Net model{rngs};
  Optimizer optimizer{model, chain(clip_by_global_norm(1.0), adamw({.learning_rate = 0.01}))};

  void steps(int count) {
    for (int i = 0; i < count; ++i) {
      RandomKey key{11, 0, static_cast<uint32_t>(optimizer.step())};
      Tensor x = uniform({13, 5}, key, -1, 1);
      auto [loss, grads] = value_and_grad(model, [&] { return mean(square(model(x))); });
      optimizer.update(grads);
    }
  }
  CheckpointParts parts() { return {.model = model, .optimizer = optimizer, .rngs = rngs}; }
};

}  // namespace

TEST_CASE("a run that was stopped and resumed ends with the bits of one that was not", "[checkpoint]") {
  TemporaryFolder folder;
  std::string path = (folder / "step").string();
  Run whole, first, second;
  whole.steps(9);
  first.steps(4);
  save_checkpoint(path, first.parts());
  second.steps(2);  // whatever it was before
  CheckpointInfo info = load_checkpoint(path, second.parts());
  CHECK(info.step == 4);
  second.steps(5);
  check_same_bits(state(whole.model), state(second.model));
  check_same_bits(whole.optimizer.state(), second.optimizer.state());
}

TEST_CASE("two runs of one seed are the same file", "[checkpoint]") {
  TemporaryFolder folder;
  for (const char* name : {"a", "b"}) {
    Run run;
    run.steps(3);
    save_checkpoint((folder / name).string(), run.parts());
  }
  for (const char* file : {"model.safetensors", "optimizer.safetensors", "rngs.safetensors", "checkpoint.json"})
    CHECK(read_file((folder / "a" / file).string()) == read_file((folder / "b" / file).string()));
}

TEST_CASE("a checkpoint replaces another in one step, and damage is found before anything changes", "[checkpoint]") {
  TemporaryFolder folder;
  std::string path = (folder / "step").string();
  Run run;
  run.steps(1);
  save_checkpoint(path, run.parts());
  run.steps(1);
  save_checkpoint(path, run.parts());
  CHECK(load_checkpoint(path, run.parts()).step == 2);
  State before = state(run.model);
  std::string file = path + "/optimizer.safetensors", content = read_file(file);
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
  write_file(file, content);
  CHECK_THROWS_WITH(load_checkpoint(path, run.parts()), Contains("optimizer.safetensors") && Contains("damaged"));
  check_same_bits(before, state(run.model));
  std::filesystem::remove(path + "/checkpoint.json");
  CHECK_THROWS_WITH(load_checkpoint(path, run.parts()), Contains("never finished"));
  CHECK_THROWS_WITH(load_checkpoint(path + "-none", run.parts()), Contains("there is no folder"));
  write_file(path + "/checkpoint.json", "{\"format\": ");
  CHECK_THROWS_AS(load_checkpoint(path, run.parts()), FormatError);
}

TEST_CASE("a checkpoint of another model is refused whole", "[checkpoint]") {
  TemporaryFolder folder;
  std::string path = (folder / "step").string();
  Run run;
  save_checkpoint(path, run.parts());
  Rngs rngs(1);
  Net wider(rngs, 11);
  State before = state(wider);
  CHECK_THROWS_WITH(load_checkpoint(path, {.model = wider}), Contains("up.kernel") && Contains("[5, 11]"));
  check_same_bits(before, state(wider));
  Linear other({.in_features = 2, .out_features = 2}, rngs);
  materialize(module_ref(other));
  CHECK_THROWS_WITH(load_checkpoint(path, {.model = other}), Contains("missing") && Contains("unexpected"));
  Optimizer sgd_state(run.model, sgd({.momentum = 0.9}));
  CHECK_THROWS_AS(load_checkpoint(path, {.optimizer = sgd_state}), StateError);
}

TEST_CASE("what cannot be written leaves the old checkpoint as it was", "[checkpoint]") {
  TemporaryFolder folder;
  std::string path = (folder / "step").string();
  Run run;
  save_checkpoint(path, run.parts());
  Rngs rngs(1);
  Linear shapeless({.out_features = 2}, rngs);
  CHECK_THROWS_AS(save_checkpoint(path, {.model = shapeless}), StateError);
  CHECK_NOTHROW(load_checkpoint(path, run.parts()));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  write_file((folder / "file").string(), "in the way");
  CHECK_THROWS_AS(save_checkpoint((folder / "file").string() + "/step", run.parts()), FileError);
}

TEST_CASE("a disk that fills up leaves the old checkpoint as it was", "[checkpoint]") {
  TemporaryFolder folder;
  std::string path = (folder / "step").string(), error;
  Run run;
  run.steps(1);
  save_checkpoint(path, run.parts());
  run.steps(1);
  try {
    FullDisk disk(512);
    save_checkpoint(path, run.parts());
  } catch (const FileError& failed) { error = failed.what(); }
  CHECK_THAT(error, Contains("safetensors"));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  CHECK(load_checkpoint(path, run.parts()).step == 1);
}

TEST_CASE("checkpoints are listed by step, and pruned", "[checkpoint]") {
  TemporaryFolder folder;
  Run run;
  for (int64_t step : {3, 20, 100}) save_checkpoint(checkpoint_path(folder.path().string(), step), run.parts());
  std::filesystem::create_directory(folder / "step-00000200");  // half-written: no checkpoint.json
  std::filesystem::create_directory(folder / "step-00000300.writing-1");
  CHECK(list_checkpoints(folder.path().string()).size() == 3);
  CHECK(latest_checkpoint(folder.path().string()) == checkpoint_path(folder.path().string(), 100));
  prune_checkpoints(folder.path().string(), 2);
  CHECK(list_checkpoints(folder.path().string()).size() == 2);
  CHECK_FALSE(std::filesystem::exists(folder / "step-00000300.writing-1"));
  CHECK(latest_checkpoint((folder / "none").string()).empty());
}

TEST_CASE("an optimizer knows its gradients, and survives the model's move", "[optimizer]") {
  Rngs rngs(0);
  auto model = std::make_unique<Net>(rngs);
  Optimizer optimizer(*model, sgd({.learning_rate = 0.5}));
  Net moved = std::move(*model);
  model.reset();
  State grads =
      state(moved, of_type<Param>).map([](const std::string&, const Tensor& value) { return ones_like(value); });
  std::vector<float> before = moved.down.bias.get().to_vector<float>();
  optimizer.update(grads);
  std::vector<float> after = moved.down.bias.get().to_vector<float>();
  for (size_t i = 0; i < before.size(); ++i) CHECK(after[i] == before[i] - 0.5f);
  State fewer = grads;
  fewer.erase("up.bias");
  CHECK_THROWS_WITH(optimizer.update(fewer), Contains("missing: up.bias"));
  grads.set("up.bias", ones({9}));
  CHECK_THROWS_WITH(optimizer.update(grads), Contains("up.bias") && Contains("[7]") && Contains("[9]"));
  CHECK(optimizer.step() == 1);
  Rngs other(0);
  Linear shapeless({.out_features = 2}, other);
  CHECK_THROWS_WITH(Optimizer(shapeless, sgd({})), Contains("kernel has no value yet"));
}

TEST_CASE("a parameter average follows its formula", "[ema]") {
  Rngs rngs(0);
  Net model(rngs);
  ParameterAverage average(model, 0.25);
  float before = model.up.bias.get().to_vector<float>()[0];
  model.up.bias.set(model.up.bias.get() + 1.0);
  average.update(model);
  CHECK(average.average()["up.bias"].to_vector<float>()[0] == Approx(before + 0.25));
}
