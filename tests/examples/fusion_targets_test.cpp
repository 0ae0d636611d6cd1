#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/examples/sensor_fusion/loss.hpp>
#include <weft/examples/sensor_fusion/targets.hpp>
#include <weft/weft.hpp>

using namespace weft;
using namespace weft::examples::fusion;

namespace {

Box box_at(ObjectClass object, double x, double y, double yaw = 0.7) {
  Box box;
  box.object = object;
  box.centre = {x, y, 0.8};
  box.length = 4.1;
  box.width = 1.7;
  box.height = 1.6;
  box.yaw = yaw;
  return box;
}

/// An output that says exactly what the targets say.
std::vector<float> perfect_output(const Targets& targets) {
  std::vector<float> output;
  for (size_t cell = 0; cell < targets.centres.size(); ++cell) {
    for (size_t k = 0; k < static_cast<size_t>(class_count); ++k) {
      float heat = targets.heat[cell * class_count + k];
      output.push_back(heat == 1 ? 6.0f : 8 * heat - 8);
    }
    for (size_t k = 0; k < static_cast<size_t>(box_features); ++k)
      output.push_back(targets.box[cell * box_features + k]);
  }
  return output;
}

Tensor tensor(const std::vector<float>& values, int64_t features) {
  return Tensor::from(values, {1, BevGrid::rows, BevGrid::columns, features});
}

}  // namespace

TEST_CASE("boxes survive targets and decoding", "[fusion]") {
  BevGrid grid;
  std::vector<Box> boxes{box_at(ObjectClass::car, 7.3, -2.6), box_at(ObjectClass::pedestrian, 20.1, 9.9, -2.9),
                         box_at(ObjectClass::cyclist, 31.9, -15.9, 1.4), box_at(ObjectClass::car, 33, 0)};
  Targets targets = make_targets(boxes, grid);
  std::vector<Box> found = decode(perfect_output(targets), grid, {.min_score = 0.5f});
  REQUIRE(found.size() == 3);  // the last one is outside
  for (size_t i = 0; i < 3; ++i) {
    const Box* same = nullptr;
    for (const Box& box : found)
      if (box.object == boxes[i].object) same = &box;
    REQUIRE(same);
    CHECK(same->centre.x == Approx(boxes[i].centre.x).epsilon(1e-5));
    CHECK(same->centre.y == Approx(boxes[i].centre.y).epsilon(1e-5));
    CHECK(same->centre.z == Approx(0.8));
    CHECK(same->length == Approx(4.1));
    CHECK(same->height == Approx(1.6));
    CHECK(same->yaw == Approx(boxes[i].yaw).epsilon(1e-5));
  }
}

TEST_CASE("the heat map is one at centres, a Gaussian around, and the larger one where two meet", "[fusion]") {
  Targets targets =
      make_targets(std::vector<Box>{box_at(ObjectClass::car, 10.5, 0.5), box_at(ObjectClass::car, 12.5, 0.5)}, {});
  auto heat = [&](int64_t row, int64_t column) {
    return static_cast<double>(targets.heat[static_cast<size_t>((row * BevGrid::columns + column) * class_count)]);
  };
  CHECK(heat(10, 16) == 1);
  CHECK(heat(12, 16) == 1);
  CHECK(heat(11, 16) == Approx(std::exp(-0.5)));
  CHECK(heat(10, 17) == Approx(std::exp(-0.5)));
  CHECK(heat(9, 17) == Approx(std::exp(-1.0)));
  CHECK(heat(6, 16) == 0);
  CHECK(std::count(targets.centres.begin(), targets.centres.end(), 1.0f) == 2);
}

TEST_CASE("of two objects in one cell the nearer one is described", "[fusion]") {
  for (bool near_first : {true, false}) {
    std::vector<Box> boxes{box_at(ObjectClass::pedestrian, 5.2, 0.5), box_at(ObjectClass::cyclist, 5.8, 0.5)};
    if (!near_first) std::swap(boxes[0], boxes[1]);
    Targets targets = make_targets(boxes, {});
    size_t cell = 5 * 32 + 16;
    CHECK(static_cast<double>(targets.box[cell * box_features]) == Approx(-0.3));
    CHECK(targets.heat[cell * class_count + 1] == 1);
    CHECK(targets.heat[cell * class_count + 2] == 1);
  }
}

TEST_CASE("decoding keeps the best peaks in order and refuses other sizes", "[fusion]") {
  std::vector<float> output(static_cast<size_t>(BevGrid::cells * output_features), -9.0f);
  auto set = [&](int64_t row, int64_t column, float logit) {
    output[static_cast<size_t>((row * BevGrid::columns + column) * output_features)] = logit;
  };
  set(4, 4, 1);
  set(4, 5, 2);  // its neighbour above is no peak
  set(20, 20, 3);
  std::vector<Box> found = decode(output, {});
  REQUIRE(found.size() == 2);
  CHECK(found[0].score == Approx(1 / (1 + std::exp(-3.0))));
  CHECK(found[1].score == Approx(1 / (1 + std::exp(-2.0))));
  CHECK(decode(output, {}, {.most = 1}).size() == 1);
  output.pop_back();
  CHECK_THROWS_AS(decode(output, {}), ShapeError);
}

TEST_CASE("the loss is small where output and targets agree, and grows with every kind of error", "[fusion]") {
  Targets targets = make_targets(std::vector<Box>{box_at(ObjectClass::car, 10.4, 3.3)}, {});
  Batch batch;
  batch.heat = tensor(targets.heat, class_count);
  batch.box = tensor(targets.box, box_features);
  batch.centres = Tensor::from(targets.centres, {1, BevGrid::rows, BevGrid::columns});
  std::vector<float> output = perfect_output(targets);
  auto loss = [&](const std::vector<float>& values) {
    return detection_loss(tensor(values, output_features), batch).item<double>();
  };
  double best = loss(output);
  CHECK(best < 0.2);
  size_t cell = (10 * 32 + 19) * static_cast<size_t>(output_features);
  auto changed = [&](size_t at, float by) {
    std::vector<float> other = output;
    other[at] += by;
    return loss(other) - best;
  };
  CHECK(changed(cell + 3, 0.5f) == Approx(0.5).epsilon(1e-4));         // place in the cell
  CHECK(changed(cell + 5, 0.5f) == Approx(0.2 * 0.5).epsilon(1e-4));   // logarithm of the length
  CHECK(changed(cell + 10, 0.5f) == Approx(0.2 * 0.5).epsilon(1e-4));  // cosine of the yaw
  CHECK(changed(3, 0.5f) == 0);                                        // there is no box in that cell
  CHECK(changed(cell, -7.0f) > 0.6);                                   // a missed centre
  CHECK(changed(0, 12.0f) > 1);                                        // a false alarm
}
