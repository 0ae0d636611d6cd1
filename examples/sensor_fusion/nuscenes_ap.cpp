#include <weft/examples/sensor_fusion/nuscenes_ap.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace weft::examples::fusion {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr size_t first_recall = 11;  // recalls up to 0.1 are noise

struct Detection {
  size_t frame = 0;
  const Box* box = nullptr;
};

/// Of one class, most confident first.
std::vector<Detection> sorted_detections(std::span<const DetectionFrame> frames, ObjectClass object) {
  std::vector<Detection> detections;
  for (size_t i = 0; i < frames.size(); ++i)
    for (const Box& box : frames[i].found)
      if (box.object == object) detections.push_back({i, &box});
  std::reverse(detections.begin(), detections.end());
  std::stable_sort(detections.begin(), detections.end(),
                   [](const Detection& a, const Detection& b) { return a.box->score > b.box->score; });
  return detections;
}

/// The value at `x` of the line through the points (xs, ys), xs ascending; ys[0] before them and `beyond` behind.
/// Where several points have one x, the last counts (as with numpy.interp).
double interpolate(double x, const std::vector<double>& xs, const std::vector<double>& ys, double beyond) {
  if (x > xs.back()) return beyond;
  auto next = std::upper_bound(xs.begin(), xs.end(), x);
  if (next == xs.begin()) return ys.front();
  auto at = static_cast<size_t>(next - xs.begin()) - 1;
  if (at + 1 == xs.size() || xs[at] == x) return ys[at];
  return ys[at] + (ys[at + 1] - ys[at]) / (xs[at + 1] - xs[at]) * (x - xs[at]);
}

/// Over the values that are no NaN.
template <class Range> double mean_of_known(const Range& values) {
  double sum = 0;
  int count = 0;
  for (double value : values)
    if (!std::isnan(value)) {
      sum += value;
      ++count;
    }
  return count == 0 ? nan : sum / count;
}

}  // namespace

double PrecisionRecall::average_precision() const {
  constexpr double least = 0.1;
  if (objects == 0) return nan;
  double sum = 0;
  for (size_t i = first_recall; i < precision.size(); ++i) sum += std::max(precision[i] - least, 0.0);
  return sum / static_cast<double>(precision.size() - first_recall) / (1 - least);
}

double PrecisionRecall::mean_centre_error() const {
  if (objects == 0) return nan;
  size_t end = confidence.size();
  while (end > 0 && confidence[end - 1] == 0) --end;
  if (end <= first_recall) return 1;
  return std::accumulate(centre_error.begin() + first_recall, centre_error.begin() + static_cast<int64_t>(end), 0.0) /
         static_cast<double>(end - first_recall);
}

PrecisionRecall nuscenes_curve(std::span<const DetectionFrame> frames, ObjectClass object, double distance) {
  PrecisionRecall curve;
  std::vector<std::vector<bool>> taken;
  for (const DetectionFrame& frame : frames) {
    taken.emplace_back(frame.truth.size());
    for (const Box& box : frame.truth) curve.objects += box.object == object;
  }
  std::vector<Detection> detections = sorted_detections(frames, object);
  curve.detections = static_cast<int64_t>(detections.size());
  std::vector<double> precisions, recalls, scores;  // after each detection
  std::vector<double> match_scores, match_errors;   // of the matches; errors are running means
  double error = 0;
  for (const Detection& detection : detections) {
    std::span<const Box> truth = frames[detection.frame].truth;
    std::vector<bool>& gone = taken[detection.frame];
    size_t best = truth.size();
    double nearest = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < truth.size(); ++i) {
      if (truth[i].object != object || gone[i]) continue;
      double away =
          std::hypot(truth[i].centre.x - detection.box->centre.x, truth[i].centre.y - detection.box->centre.y);
      if (away < nearest) {
        nearest = away;
        best = i;
      }
    }
    if (nearest < distance) {
      gone[best] = true;
      error += nearest;
      match_scores.push_back(detection.box->score);
      match_errors.push_back(error / static_cast<double>(match_scores.size()));
    }
    auto hits = static_cast<double>(match_scores.size());
    precisions.push_back(hits / static_cast<double>(precisions.size() + 1));
    recalls.push_back(hits / static_cast<double>(std::max<int64_t>(curve.objects, 1)));
    scores.push_back(detection.box->score);
  }
  if (match_scores.empty()) {
    curve.centre_error.fill(1);
    return curve;
  }
  // Errors are looked up by confidence, which falls; turned round, it ascends.
  std::reverse(match_scores.begin(), match_scores.end());
  std::reverse(match_errors.begin(), match_errors.end());
  for (size_t i = 0; i < curve.precision.size(); ++i) {
    double recall = i + 1 == curve.precision.size() ? 1 : static_cast<double>(i) * 0.01;
    curve.precision[i] = interpolate(recall, recalls, precisions, 0);
    curve.confidence[i] = interpolate(recall, recalls, scores, 0);
    curve.centre_error[i] = interpolate(curve.confidence[i], match_scores, match_errors, match_errors.back());
  }
  return curve;
}

double NuScenesResult::ap_of(ObjectClass object) const {
  const auto& row = ap[static_cast<size_t>(object)];
  return std::accumulate(row.begin(), row.end(), 0.0) / static_cast<double>(row.size());
}

double NuScenesResult::mean_ap() const {
  std::array<double, 3> classes{};
  for (ObjectClass object : object_classes) classes[static_cast<size_t>(object)] = ap_of(object);
  return mean_of_known(classes);
}

double NuScenesResult::mean_centre_error() const { return mean_of_known(centre_error); }

NuScenesResult evaluate_nuscenes(std::span<const DetectionFrame> frames) {
  NuScenesResult result;
  for (ObjectClass object : object_classes) {
    auto c = static_cast<size_t>(object);
    for (size_t d = 0; d < nuscenes_distances.size(); ++d) {
      PrecisionRecall curve = nuscenes_curve(frames, object, nuscenes_distances[d]);
      result.ap[c][d] = curve.average_precision();
      if (nuscenes_distances[d] == 2) result.centre_error[c] = curve.mean_centre_error();
    }
  }
  return result;
}

std::vector<Box> boxes_in_range(std::span<const Box> boxes, double nearest, double farthest) {
  std::vector<Box> within;
  for (const Box& box : boxes)
    if (box.range() >= nearest && box.range() < farthest) within.push_back(box);
  return within;
}

}  // namespace weft::examples::fusion
