#include <catch2/catch.hpp>

#include <cmath>

#include <weft/examples/sensor_fusion/nuscenes_ap.hpp>

using namespace weft::examples::fusion;

namespace {

Box box(double x, double y, double score = 1, ObjectClass object = ObjectClass::car) {
  Box box;
  box.object = object;
  box.centre = {x, y, 0.7};
  box.score = score;
  return box;
}

PrecisionRecall curve_of(const std::vector<Box>& truth, const std::vector<Box>& found, double distance = 1) {
  std::vector<DetectionFrame> frames{{truth, found}};
  return nuscenes_curve(frames, ObjectClass::car, distance);
}

const std::vector<Box> three{box(10, 0), box(20, 5), box(30, -5)};

}  // namespace

TEST_CASE("perfect detections have an nuScenes AP of 1") {
  std::vector<Box> found{box(10, 0, .9), box(20, 5, .8), box(30, -5, .7)};
  PrecisionRecall curve = curve_of(three, found);
  CHECK(curve.average_precision() == Approx(1));
  CHECK(curve.mean_centre_error() == Approx(0).margin(1e-12));
  CHECK(curve.objects == 3);
  std::vector<DetectionFrame> frames{{three, found}};
  NuScenesResult result = evaluate_nuscenes(frames);
  CHECK(result.mean_ap() == Approx(1));
  CHECK(result.ap_of(ObjectClass::car) == Approx(1));
  CHECK(std::isnan(result.ap_of(ObjectClass::pedestrian)));
  CHECK(result.mean_centre_error() == Approx(0).margin(1e-12));
}

TEST_CASE("a false positive above all halves the nuScenes precision of one object") {
  // Points (recall, precision): (0, 0), (1, 1/2): precision r / 2 at recall r. Above 0.2 it beats 0.1:
  // sum over i = 21..100 of (i / 200 - 0.1) = (21 + ... + 100) / 200 - 8 = 24.2 - 8 = 16.2; / 90 / 0.9 = 0.2.
  PrecisionRecall curve = curve_of({box(10, 0)}, {box(40, 0, .9), box(10, 0, .8)});
  CHECK(curve.average_precision() == Approx(0.2));
  CHECK(curve.precision[100] == Approx(0.5));
  // A false positive below all costs nothing up to recall 1, where the last point counts.
  curve = curve_of({box(10, 0)}, {box(10, 0, .9), box(40, 0, .8)});
  CHECK(curve.precision[99] == Approx(1));
  CHECK(curve.precision[100] == Approx(0.5));
  CHECK(curve.average_precision() == Approx((89 * 0.9 + 0.4) / 90 / 0.9));
}

TEST_CASE("a second detection of one object is a false positive for nuScenes") {
  // Recalls 1/2, 1/2, 1; precisions 1, 1/2, 2/3.
  PrecisionRecall curve = curve_of({box(10, 0), box(20, 0)}, {box(10, 0, .9), box(10.1, 0, .8), box(20, 0, .7)});
  CHECK(curve.precision[49] == Approx(1));
  CHECK(curve.precision[50] == Approx(0.5));
  CHECK(curve.precision[75] == Approx(0.5 + (2. / 3 - 0.5) / 2));
  CHECK(curve.precision[100] == Approx(2. / 3));
  // The more confident takes the nearest object and leaves the other, which would have fitted it too, to nobody.
  curve = curve_of({box(10, 0), box(10.8, 0)}, {box(10.5, 0, .9), box(10.7, 0, .8)}, 0.6);
  CHECK(curve.precision[50] == Approx(0.5));
  CHECK(curve.precision[51] == 0);
}

TEST_CASE("what nuScenes AP reaches half the recall scores 0 beyond it") {
  PrecisionRecall curve = curve_of({box(10, 0), box(20, 0)}, {box(10, 0, .9)});
  CHECK(curve.precision[50] == Approx(1));
  CHECK(curve.precision[51] == 0);
  CHECK(curve.confidence[51] == 0);
  CHECK(curve.average_precision() == Approx(40. / 90));
}

TEST_CASE("the nuScenes match is nearer than the distance and of the same class and frame") {
  CHECK(curve_of({box(10, 0)}, {box(11, 0)}).average_precision() == 0);
  CHECK(curve_of({box(10, 0)}, {box(10.75, 0)}).average_precision() == Approx(1));
  CHECK(curve_of({box(10, 0)}, {box(10, 0, 1, ObjectClass::cyclist)}).average_precision() == 0);
  std::vector<Box> truth{box(10, 0)}, found{box(10, 0)}, none;
  std::vector<DetectionFrame> apart{{truth, none}, {none, found}};
  CHECK(nuscenes_curve(apart, ObjectClass::car, 4).average_precision() == 0);
  std::vector<Box> high = found;
  high[0].centre.z = 30;  // heights do not count
  CHECK(curve_of(truth, high).average_precision() == Approx(1));
  CHECK(curve_of({box(10, 0), box(10.5, 0)}, {box(10.4, 0)}, 1).mean_centre_error() == Approx(0.1));
}

TEST_CASE("the nuScenes centre error is the mean over recalls above a tenth") {
  // Matches with errors 0.2 and 0.6, confidence .9 and .5: running means 0.2 and 0.4. Recall 0.5 has confidence .9,
  // recall 1 has .5, in between both are linear.
  PrecisionRecall curve = curve_of({box(10, 0), box(20, 0)}, {box(10.2, 0, .9), box(20, .6, .5)}, 2);
  CHECK(curve.centre_error[20] == Approx(0.2));
  CHECK(curve.centre_error[75] == Approx(0.3));
  CHECK(curve.centre_error[100] == Approx(0.4));
  double expected = (40 * 0.2 + 50 * (0.2 + 0.4) / 2 + 0.1) / 90;  // 11..50 flat, then 51..100 rising to 0.4
  CHECK(curve.mean_centre_error() == Approx(expected));
  CHECK(curve_of({box(10, 0)}, {}, 2).mean_centre_error() == 1);
}

TEST_CASE("empty nuScenes frames have AP 0, and none without objects") {
  CHECK(curve_of(three, {}).average_precision() == 0);
  CHECK(std::isnan(curve_of({}, {box(1, 1)}).average_precision()));
  CHECK(std::isnan(evaluate_nuscenes({}).mean_ap()));
  std::vector<Box> mixed{box(10, 0), box(10, 0, 1, ObjectClass::pedestrian)}, cars{box(10, 0)};
  std::vector<DetectionFrame> frames{{mixed, cars}};
  CHECK(evaluate_nuscenes(frames).mean_ap() == Approx(0.5));
  CHECK(evaluate_nuscenes(frames).mean_centre_error() == Approx(0.5));
}

TEST_CASE("nuScenes boxes are cut by range") {
  std::vector<Box> boxes{box(3, 4), box(6, 8), box(12, 0)};
  CHECK(boxes_in_range(boxes, 5, 10) == std::vector<Box>{boxes[0]});
  CHECK(boxes_in_range(boxes, 10, 100).size() == 2);
}
