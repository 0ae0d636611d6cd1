#include <catch2/catch.hpp>

#include <cmath>

#include <weft/core/error.hpp>
#include <weft/examples/common/run_folder.hpp>
#include <weft/examples/hierarchical_fusion/digits_training.hpp>
#include <weft/examples/hierarchical_fusion/legend_training.hpp>

#include "../support/temporary_folder.hpp"

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::hierarchy;

namespace {

LegendTrainingOptions tiny_legend() {
  LegendTrainingOptions options;
  options.epochs = 2;
  options.maps_per_epoch = 6;
  options.maps_per_batch = 2;
  options.warmup_steps = 2;
  options.epoch_maps = 3;
  return options;
}

RunOptions quiet_run(const std::filesystem::path& out = {}) {
  RunOptions run;
  run.quiet = true;
  run.out = out;
  return run;
}

std::vector<float> parameters_of(const LegendModel& model) {
  std::vector<float> values;
  for (auto [path, value, kind] : state(model))
    for (float element : value.to_vector<float>()) values.push_back(element);
  return values;
}

}  // namespace

TEST_CASE("every fusion has as many parameters as attention within five percent") {
  auto wanted = static_cast<double>(num_parameters(make_legend_model({}, 0)));
  for (Fusion fusion : {Fusion::add, Fusion::concat, Fusion::gate, Fusion::aff, Fusion::class_token, Fusion::high_only,
                        Fusion::low_only}) {
    INFO(name_of(fusion));
    auto count = static_cast<double>(num_parameters(make_legend_model({.fusion = fusion}, 0)));
    CHECK(std::abs(count / wanted - 1) < 0.05);
    CHECK(fusion_of(name_of(fusion)) == fusion);
  }
  CHECK_THROWS_AS(fusion_of("sum"), ValueError);
}

TEST_CASE("every fusion labels all pixels and all of its parameters get a gradient") {
  LegendBatch batch = collate(make_maps(1, 2, {}));
  for (Fusion fusion : {Fusion::attention, Fusion::add, Fusion::concat, Fusion::gate, Fusion::aff, Fusion::class_token,
                        Fusion::high_only, Fusion::low_only}) {
    INFO(name_of(fusion));
    LegendModel model = make_legend_model({.fusion = fusion}, 3);
    auto [loss, gradients] = value_and_grad(model, [&] {
      MapLogits logits = model(batch.pictures);
      REQUIRE(logits.pixels.shape() == Shape{2, 32, 32, 2, 2, 7});
      return legend_loss(logits, batch, {});
    });
    CHECK(std::isfinite(loss.item<double>()));
    for (auto [path, value, kind] : gradients) {
      INFO(path);
      // Keys' biases shift all logits of a query alike, which softmax does not see.
      if (path.find("key.bias") != std::string::npos) continue;
      // With high_only, the low level reaches the answer through the high one alone.
      CHECK(max(abs(value)).item<double>() > 0);
    }
  }
}

TEST_CASE("uniform attention makes a pixel's answer independent of the order of the tokens it sees") {
  LegendModel model = make_legend_model({}, 5);
  std::vector<LegendMap> maps = make_maps(5, 2, {});
  make_attention_uniform(model);
  Tensor weights = attention_of(model, maps);
  REQUIRE(weights.shape() == Shape{2, 1024, 64});
  for (float weight : weights.to_vector<float>()) REQUIRE(weight == Approx(1.0 / 64));
}

TEST_CASE("with the tokens of another map the low level is the picture's own") {
  LegendModel model = make_legend_model({}, 5);
  eval(model);
  LegendBatch batch = collate(make_maps(5, 2, {}));
  NoGrad guard;
  std::vector<float> own = model(batch.pictures).pixels.to_vector<float>();
  CHECK(model(batch.pictures, batch.pictures).pixels.to_vector<float>() == own);
  CHECK(model(batch.pictures, roll(batch.pictures, 1, 0)).pixels.to_vector<float>() != own);
}

TEST_CASE("evaluation does not depend on the batch and leaves the model in training mode") {
  LegendModel model = make_legend_model({}, 2);
  std::vector<LegendMap> maps = make_maps(8, 3, {});
  std::vector<std::vector<uint8_t>> together = predict(model, maps);
  CHECK(predict(model, {maps[2]})[0] == together[2]);
  CHECK_FALSE(model.low.norm.use_running_average);
  CHECK_THROWS_AS(([&] {
                    LegendModel other = make_legend_model({.fusion = Fusion::add}, 2);
                    evaluate(other, maps, {.pointing = true});
                  }()),
                  ValueError);
}

TEST_CASE("a legend training that was stopped and resumed ends with the same bits") {
  LegendTrainingOptions options = tiny_legend();
  LegendModel whole = make_legend_model(options.model, 1);
  FitResult straight = train_legend(whole, options, quiet_run());
  REQUIRE(straight.finished);
  CHECK(straight.steps == 6);

  test::TemporaryFolder folder;
  RunOptions run = quiet_run(folder.path());
  run.stop_at_step = 4;
  LegendModel first = make_legend_model(options.model, 1);
  CHECK_FALSE(train_legend(first, options, run).finished);
  run.stop_at_step = -1;
  run.resume = true;
  LegendModel second = make_legend_model(options.model, 1);
  FitResult resumed = train_legend(second, options, run);
  CHECK(resumed.finished);
  CHECK(parameters_of(second) == parameters_of(whole));
  CHECK(resumed.history == straight.history);

  LegendModel loaded = load_legend_model(folder.path());
  CHECK(parameters_of(loaded) == parameters_of(whole));
  CHECK_THROWS_AS(load_digit_model(folder.path()), FormatError);
}

TEST_CASE("presets of the hierarchy example are quick and full") {
  CHECK(legend_preset("quick").epochs < legend_preset("full").epochs);
  CHECK(digit_preset("quick").epochs < digit_preset("full").epochs);
  CHECK_THROWS_AS(legend_preset("slow"), ValueError);
  CHECK_THROWS_AS(digit_preset("slow"), ValueError);
}
