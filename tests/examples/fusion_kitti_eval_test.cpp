#include <catch2/catch.hpp>

#include <cmath>

#include <weft/core/error.hpp>
#include <weft/examples/sensor_fusion/kitti_eval.hpp>
#include <weft/examples/sensor_fusion/kitti_overlap.hpp>

using namespace weft::examples::fusion;

namespace {

constexpr double pi = 3.14159265358979323846;

/// The object of that number, apart from all others in the picture and on the ground.
KittiLabel label(int number, const char* type = "Car", std::optional<double> score = {}) {
  KittiLabel made;
  made.type = type;
  made.truncated = 0;
  made.occluded = 0;
  made.bbox = {100.0 * number, 100, 100.0 * number + 80, 160};
  made.height = 1.5;
  made.width = 2;
  made.length = 4;
  made.bottom = {10.0 * number, 1.6, 20};
  made.rotation_y = 0.3;
  made.score = score;
  return made;
}

constexpr int frame_count = 8, per_frame = 10, object_count = frame_count * per_frame;

/// Eighty cars in eight frames, of which the first `found` are detected, each with less confidence than the one before.
struct Cars {
  std::vector<std::vector<KittiLabel>> truth{frame_count}, found{frame_count};

  explicit Cars(int detected = object_count) {
    for (int i = 0; i < object_count; ++i) {
      truth[frame(i)].push_back(label(i % per_frame));
      if (i < detected) found[frame(i)].push_back(label(i % per_frame, "Car", score(i)));
    }
  }
  static size_t frame(int i) { return static_cast<size_t>(i / per_frame); }
  static double score(int i) { return 0.9 - 0.01 * i; }

  KittiCurve curve(KittiMetric metric = KittiMetric::volume, KittiDifficulty difficulty = KittiDifficulty::easy,
                   ObjectClass object = ObjectClass::car) const {
    std::vector<KittiFrame> frames;
    for (size_t i = 0; i < truth.size(); ++i) frames.push_back({truth[i], found[i]});
    return kitti_curve(frames, object, metric, difficulty);
  }
};

KittiCurve curve_of(const std::vector<KittiLabel>& truth, const std::vector<KittiLabel>& found,
                    KittiMetric metric = KittiMetric::picture, KittiDifficulty difficulty = KittiDifficulty::easy) {
  std::vector<KittiFrame> frames{{truth, found}};
  return kitti_curve(frames, ObjectClass::car, metric, difficulty);
}

}  // namespace

TEST_CASE("overlap on the ground is that of turned rectangles") {
  KittiLabel a = label(0), b = a;
  CHECK(ground_overlap(a, b) == Approx(1));
  b.bottom = a.bottom + Vec3{2 * std::cos(0.3), 5, -2 * std::sin(0.3)};  // half a length ahead; y does not count
  CHECK(ground_overlap(a, b) == Approx(1. / 3));
  CHECK(ground_overlap(b, a) == Approx(1. / 3));
  b = a;
  b.rotation_y += pi / 2;  // a cross: 4 common, 12 in all
  CHECK(ground_overlap(a, b) == Approx(1. / 3));
  b.rotation_y = a.rotation_y + pi;
  CHECK(ground_overlap(a, b) == Approx(1));
  a.length = b.length = 2;
  b.rotation_y = a.rotation_y + pi / 4;  // squares: their common octagon is 8 (sqrt 2 - 1)
  CHECK(ground_overlap(a, b) == Approx(std::sqrt(0.5)));
  b.length = b.width = 1;  // inside
  CHECK(ground_overlap(a, b) == Approx(0.25));
  b.bottom.x += 50;
  CHECK(ground_overlap(a, b) == 0);
  b = a;
  b.width = -1;
  CHECK(ground_overlap(a, b) == 0);
}

TEST_CASE("overlap of volumes takes the heights in") {
  KittiLabel a = label(0), b = a;
  CHECK(volume_overlap(a, b) == Approx(1));
  b.bottom.y -= 0.75;
  CHECK(volume_overlap(a, b) == Approx(1. / 3));
  b.bottom.y -= 0.75;
  CHECK(volume_overlap(a, b) == 0);
  b = a;
  b.height = 3;  // stands on the same ground
  CHECK(volume_overlap(a, b) == Approx(0.5));
}

TEST_CASE("overlap in the picture is that of upright rectangles") {
  KittiLabel a = label(0), b = a;
  CHECK(picture_overlap(a, b) == 1);
  b.bbox.left += 40;
  b.bbox.right += 40;
  CHECK(picture_overlap(a, b) == Approx(1. / 3));
  CHECK(picture_share(a, b) == Approx(0.5));
  b.bbox = {80, 100, 160, 160};  // touches
  CHECK(picture_overlap(a, b) == 0);
}

TEST_CASE("perfect detections have a KITTI AP of 100") {
  Cars cars;
  for (KittiMetric metric : kitti_metrics)
    for (KittiDifficulty difficulty : kitti_difficulties) {
      INFO(name_of(metric) << ", " << name_of(difficulty));
      KittiCurve curve = cars.curve(metric, difficulty);
      CHECK(curve.objects == object_count);
      CHECK(curve.r40() == Approx(100));
      CHECK(curve.r11() == Approx(100));
    }
  CHECK(std::isnan(cars.curve(KittiMetric::volume, KittiDifficulty::easy, ObjectClass::cyclist).r40()));
}

TEST_CASE("a KITTI false positive above all costs an eighty-first of each precision") {
  // The precision h / (h + 1) rises with the hits h, so that the last, 80 / 81, holds everywhere.
  Cars cars;
  cars.found[3].push_back(label(40, "Car", 0.99));
  CHECK(cars.curve().r40() == Approx(100 * 80. / 81));
  CHECK(cars.curve().r11() == Approx(100 * 80. / 81));
  // Below all it is never looked at.
  cars.found[3].back().score = 0.001;
  CHECK(cars.curve().r40() == Approx(100));
}

TEST_CASE("second detections of KITTI objects are false positives") {
  // Each just below the first: with h hits there are h - 1 of them. Recall point k has 2 k hits.
  Cars cars;
  for (int i = 0; i < object_count; ++i)
    cars.found[Cars::frame(i)].push_back(label(i % per_frame, "Car", Cars::score(i) - 0.005));
  double sum = 0;
  for (int k = 1; k <= 40; ++k) sum += 2. * k / (4 * k - 1);
  CHECK(cars.curve().r40() == Approx(100 * sum / 40));
}

TEST_CASE("half the recall is half of R40 and six elevenths of R11") {
  KittiCurve curve = Cars(40).curve();
  CHECK(curve.r40() == Approx(50));
  CHECK(curve.r11() == Approx(600. / 11));
  CHECK(Cars(0).curve().r40() == 0);
  // One object gives the point at recall 0 alone, which R40 leaves out: the kit's own artefact of small sets.
  CHECK(curve_of({label(1)}, {label(1, "Car", 0.5)}).r40() == 0);
  CHECK(curve_of({label(1)}, {label(1, "Car", 0.5)}).r11() == Approx(100. / 11));
}

TEST_CASE("empty KITTI frames have no AP") {
  CHECK(std::isnan(curve_of({}, {}).r40()));
  CHECK(std::isnan(curve_of({}, {label(1, "Car", 0.5)}).r11()));
  CHECK(std::isnan(kitti_curve({}, ObjectClass::car, KittiMetric::ground, KittiDifficulty::easy).r40()));
  CHECK_THROWS_AS(curve_of({label(1)}, {label(1)}), weft::ValueError);
}

TEST_CASE("neighbouring types are neither missed nor false positives") {
  Cars cars;
  for (auto& truth : cars.truth) truth.push_back(label(40, "Van"));
  CHECK(cars.curve().objects == object_count);
  CHECK(cars.curve().r40() == Approx(100));
  for (auto& found : cars.found) found.push_back(label(40, "Car", 0.95));
  CHECK(cars.curve().r40() == Approx(100));
  for (auto& truth : cars.truth) truth.back().type = "Truck";  // this one is background
  CHECK(cars.curve().r40() == Approx(100 * 80. / 88));
}

TEST_CASE("regions that nobody labelled absorb detections in the picture alone") {
  Cars cars;
  for (auto& truth : cars.truth) {
    truth.push_back(KittiLabel{});
    truth.back().type = "DontCare";
    truth.back().bbox = {4000, 50, 4300, 300};
  }
  for (auto& found : cars.found) found.push_back(label(40, "Car", 0.95));
  CHECK(cars.curve(KittiMetric::picture).r40() == Approx(100));
  CHECK(cars.curve(KittiMetric::ground).r40() == Approx(100 * 80. / 88));
  CHECK(cars.curve(KittiMetric::volume).r40() == Approx(100 * 80. / 88));
  for (auto& truth : cars.truth) truth.back().bbox.left = 4030;  // covers 50 of the 80 columns, not over 0.7
  CHECK(cars.curve(KittiMetric::picture).r40() == Approx(100 * 80. / 88));
}

TEST_CASE("KITTI difficulties ignore what is low, occluded or truncated") {
  KittiLabel one = label(0);
  auto counts = [&] {
    return std::vector<bool>{counts_at(one, KittiDifficulty::easy), counts_at(one, KittiDifficulty::moderate),
                             counts_at(one, KittiDifficulty::hard)};
  };
  using Expected = std::vector<bool>;
  CHECK(counts() == Expected{true, true, true});
  one.bbox.bottom = one.bbox.top + 40;
  CHECK(counts() == Expected{false, true, true});
  one.bbox.bottom = one.bbox.top + 25;
  CHECK(counts() == Expected{false, false, false});
  one = label(0);
  one.occluded = 1;
  CHECK(counts() == Expected{false, true, true});
  one.occluded = 2;
  CHECK(counts() == Expected{false, false, true});
  one.occluded = 3;
  CHECK(counts() == Expected{false, false, false});
  one = label(0);
  one.truncated = 0.3;
  CHECK(counts() == Expected{false, true, true});
  one.truncated = 0.31;
  CHECK(counts() == Expected{false, false, true});
}

TEST_CASE("an ignored KITTI object takes its detection along") {
  Cars cars;
  for (auto& truth : cars.truth) {
    truth.push_back(label(40));
    truth.back().occluded = 2;
  }
  for (auto& found : cars.found) found.push_back(label(40, "Car", 0.95));
  CHECK(cars.curve(KittiMetric::volume, KittiDifficulty::easy).r40() == Approx(100));
  CHECK(cars.curve(KittiMetric::volume, KittiDifficulty::easy).objects == object_count);
  CHECK(cars.curve(KittiMetric::volume, KittiDifficulty::hard).objects == object_count + frame_count);
}

TEST_CASE("KITTI detections that are low in the picture are ignored") {
  Cars cars;
  for (auto& found : cars.found) {
    found.push_back(label(40, "Car", 0.95));
    found.back().bbox.bottom = found.back().bbox.top + 30;
  }
  CHECK(cars.curve(KittiMetric::volume, KittiDifficulty::easy).r40() == Approx(100));
  CHECK(cars.curve(KittiMetric::volume, KittiDifficulty::moderate).r40() == Approx(100 * 80. / 88));
}

TEST_CASE("a KITTI match needs more overlap for cars than for others") {
  Cars cars;
  for (auto& found : cars.found)
    for (KittiLabel& one : found) one.width = 1.2;  // of 2: overlap 0.6
  CHECK(cars.curve().r40() == 0);
  for (auto* side : {&cars.truth, &cars.found})
    for (auto& labels : *side)
      for (KittiLabel& one : labels) one.type = "Cyclist";
  CHECK(cars.curve(KittiMetric::volume, KittiDifficulty::easy, ObjectClass::cyclist).r40() == Approx(100));
  std::vector<KittiFrame> frames;
  for (size_t i = 0; i < cars.truth.size(); ++i) frames.push_back({cars.truth[i], cars.found[i]});
  KittiResult all = evaluate_kitti(frames);
  CHECK(all[2][2][0].r40() == Approx(100));
  CHECK(std::isnan(all[0][0][0].r40()));
}
