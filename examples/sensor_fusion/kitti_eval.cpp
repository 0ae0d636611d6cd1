#include <weft/examples/sensor_fusion/kitti_eval.hpp>

#include <algorithm>
#include <limits>
#include <string>

#include <weft/core/error.hpp>
#include <weft/examples/sensor_fusion/kitti_overlap.hpp>

namespace weft::examples::fusion {
namespace {

constexpr std::array<double, 3> min_height{40, 25, 25}, max_truncation{0.15, 0.3, 0.5};
constexpr std::array<int, 3> max_occlusion{0, 1, 2};
constexpr std::array<double, 3> min_overlap{0.7, 0.5, 0.5};                                // of the classes
constexpr std::array<const char*, 3> types{"Car", "Pedestrian", "Cyclist"};                // of the classes
constexpr std::array<const char*, 3> neighbours{"Van", "Person_sitting", "no such type"};  // ignored for the classes
constexpr size_t points = 41;

/// What becomes of an object or a detection: it counts; it may match but neither costs nor earns; it is not there.
enum class Role : uint8_t { counts, ignored, absent };

struct Candidate {
  Role role = Role::absent;
  double score = 0;
  bool in_dont_care = false;
};

struct PreparedFrame {
  std::vector<Role> truth;
  std::vector<Candidate> found;
  std::vector<double> overlaps;  // [truth, found]
  double overlap(size_t t, size_t f) const { return overlaps[t * found.size() + f]; }
};

double overlap_by(KittiMetric metric, const KittiLabel& a, const KittiLabel& b) {
  if (metric == KittiMetric::picture) return picture_overlap(a, b);
  return metric == KittiMetric::ground ? ground_overlap(a, b) : volume_overlap(a, b);
}

PreparedFrame prepare(const KittiFrame& frame, size_t object, KittiMetric metric, KittiDifficulty difficulty) {
  PreparedFrame ready;
  for (const KittiLabel& label : frame.truth) {
    Role role = Role::absent;
    if (label.type == types[object]) role = counts_at(label, difficulty) ? Role::counts : Role::ignored;
    else if (label.type == neighbours[object]) role = Role::ignored;
    ready.truth.push_back(role);
  }
  for (const KittiLabel& label : frame.found) {
    if (!label.score) throw ValueError("kitti_curve: score: expected one for each detection, got none");
    Candidate candidate{Role::absent, *label.score, false};
    // The height comes first, so that low detections of other types are ignored, not absent, as in the kit.
    if (label.bbox.bottom - label.bbox.top < min_height[static_cast<size_t>(difficulty)])
      candidate.role = Role::ignored;
    else if (label.type == types[object]) candidate.role = Role::counts;
    if (metric == KittiMetric::picture)
      for (const KittiLabel& region : frame.truth)
        candidate.in_dont_care |= region.dont_care() && picture_share(label, region) > min_overlap[object];
    ready.found.push_back(candidate);
  }
  for (size_t t = 0; t < frame.truth.size(); ++t)
    for (size_t f = 0; f < frame.found.size(); ++f) {
      bool needed = ready.truth[t] != Role::absent && ready.found[f].role != Role::absent;
      ready.overlaps.push_back(needed ? overlap_by(metric, frame.truth[t], frame.found[f]) : 0);
    }
  return ready;
}

/// The scores of the detections that match objects which count, each object taking the most confident one left.
void collect_scores(const PreparedFrame& frame, double least, std::vector<double>& scores) {
  std::vector<bool> taken(frame.found.size());
  for (size_t t = 0; t < frame.truth.size(); ++t) {
    if (frame.truth[t] == Role::absent) continue;
    size_t best = frame.found.size();
    for (size_t f = 0; f < frame.found.size(); ++f) {
      if (frame.found[f].role == Role::absent || taken[f] || frame.overlap(t, f) <= least) continue;
      if (best == frame.found.size() || frame.found[f].score > frame.found[best].score) best = f;
    }
    if (best == frame.found.size()) continue;
    taken[best] = true;
    if (frame.truth[t] == Role::counts && frame.found[best].role == Role::counts)
      scores.push_back(frame.found[best].score);
  }
}

struct Counts {
  int64_t hits = 0, false_alarms = 0;
};

/// With the detections of at least `threshold`; each object takes the one of largest overlap, an ignored one only where
/// there is no other.
void count(const PreparedFrame& frame, double least, double threshold, Counts& counts) {
  std::vector<bool> taken(frame.found.size());
  for (size_t t = 0; t < frame.truth.size(); ++t) {
    if (frame.truth[t] == Role::absent) continue;
    size_t best = frame.found.size(), low = frame.found.size();
    for (size_t f = 0; f < frame.found.size(); ++f) {
      const Candidate& candidate = frame.found[f];
      if (candidate.role == Role::absent || taken[f] || candidate.score < threshold || frame.overlap(t, f) <= least)
        continue;
      if (candidate.role == Role::counts) {
        if (best == frame.found.size() || frame.overlap(t, f) > frame.overlap(t, best)) best = f;
      } else if (low == frame.found.size()) {
        low = f;
      }
    }
    if (best == frame.found.size()) best = low;
    if (best == frame.found.size()) continue;
    taken[best] = true;
    counts.hits += frame.truth[t] == Role::counts && frame.found[best].role == Role::counts;
  }
  for (size_t f = 0; f < frame.found.size(); ++f) {
    const Candidate& candidate = frame.found[f];
    counts.false_alarms +=
        !taken[f] && candidate.role == Role::counts && candidate.score >= threshold && !candidate.in_dont_care;
  }
}

/// The scores at which recall comes nearest to 0, 1/40, 2/40, ...
std::vector<double> thresholds(std::vector<double> scores, int64_t objects) {
  std::sort(scores.begin(), scores.end(), std::greater<>());
  std::vector<double> chosen;
  double wanted = 0;
  for (size_t i = 0; i < scores.size() && chosen.size() < points; ++i) {
    const bool last = i + 1 == scores.size();
    const double here = static_cast<double>(i + 1) / static_cast<double>(objects);
    const double next = last ? here : static_cast<double>(i + 2) / static_cast<double>(objects);
    if (!last && next - wanted < wanted - here) continue;
    chosen.push_back(scores[i]);
    wanted += 1.0 / (points - 1);
  }
  return chosen;
}

double mean_of_every(const KittiCurve& curve, size_t first, size_t step) {
  if (curve.objects == 0) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  int count = 0;
  for (size_t i = first; i < points; i += step, ++count) sum += curve.precision[i];
  return 100 * sum / count;
}

}  // namespace

const char* name_of(KittiMetric metric) {
  return metric == KittiMetric::picture ? "2-D" : metric == KittiMetric::ground ? "BEV" : "3-D";
}

const char* name_of(KittiDifficulty difficulty) {
  return difficulty == KittiDifficulty::easy ? "easy" : difficulty == KittiDifficulty::moderate ? "moderate" : "hard";
}

double KittiCurve::r11() const { return mean_of_every(*this, 0, 4); }
double KittiCurve::r40() const { return mean_of_every(*this, 1, 1); }

bool counts_at(const KittiLabel& truth, KittiDifficulty difficulty) {
  const auto d = static_cast<size_t>(difficulty);
  return truth.occluded <= max_occlusion[d] && truth.truncated <= max_truncation[d] &&
         truth.bbox.bottom - truth.bbox.top > min_height[d];
}

KittiCurve kitti_curve(std::span<const KittiFrame> frames, ObjectClass object, KittiMetric metric,
                       KittiDifficulty difficulty) {
  const auto c = static_cast<size_t>(object);
  const double least = min_overlap[c];
  KittiCurve curve;
  std::vector<PreparedFrame> prepared;
  std::vector<double> scores;
  for (const KittiFrame& frame : frames) {
    const PreparedFrame& ready = prepared.emplace_back(prepare(frame, c, metric, difficulty));
    curve.objects += std::count(ready.truth.begin(), ready.truth.end(), Role::counts);
    collect_scores(ready, least, scores);
  }
  const std::vector<double> chosen = thresholds(std::move(scores), curve.objects);
  for (size_t i = 0; i < chosen.size(); ++i) {
    Counts counts;
    for (const PreparedFrame& frame : prepared) count(frame, least, chosen[i], counts);
    if (counts.hits > 0)
      curve.precision[i] = static_cast<double>(counts.hits) / static_cast<double>(counts.hits + counts.false_alarms);
  }
  for (size_t i = points - 1; i > 0; --i) curve.precision[i - 1] = std::max(curve.precision[i - 1], curve.precision[i]);
  return curve;
}

KittiResult evaluate_kitti(std::span<const KittiFrame> frames) {
  KittiResult result;
  for (ObjectClass object : object_classes)
    for (KittiMetric metric : kitti_metrics)
      for (KittiDifficulty difficulty : kitti_difficulties)
        result[static_cast<size_t>(object)][static_cast<size_t>(metric)][static_cast<size_t>(difficulty)] =
            kitti_curve(frames, object, metric, difficulty);
  return result;
}

}  // namespace weft::examples::fusion
