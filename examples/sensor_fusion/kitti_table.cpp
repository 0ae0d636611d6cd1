#include <weft/examples/sensor_fusion/kitti_table.hpp>

#include <cmath>
#include <cstdio>

#include <weft/examples/sensor_fusion/evaluation.hpp>
#include <weft/examples/sensor_fusion/kitti.hpp>
#include <weft/examples/sensor_fusion/kitti_eval.hpp>

namespace weft::examples::fusion {

std::string kitti_table(FusionModel& model, const FusionData& data, const DataOptions& options) {
  KittiSet set = kitti_test_set(options);
  std::vector<Frame> detected = detect(model, data.test, data.grid);
  std::vector<std::vector<KittiLabel>> truth, found;
  for (int64_t i = 0; i < set.size(); ++i) {
    // The detector saw stretched pictures; KITTI's boxes of pixels are those of the file's.
    truth.push_back(set.labels(i));
    found.push_back(kitti_labels_of(detected[static_cast<size_t>(i)].found, set.scene(i), set.calibration(i), true));
  }
  std::vector<KittiFrame> frames;
  for (size_t i = 0; i < truth.size(); ++i) frames.push_back({truth[i], found[i]});
  KittiResult result = evaluate_kitti(frames);
  std::string table = "| KITTI AP, R40 (R11) | easy | moderate | hard |\n|---|---|---|---|\n";
  for (size_t object = 0; object < object_classes.size(); ++object)
    for (size_t metric = 0; metric < kitti_metrics.size(); ++metric) {
      table += std::string("| ") + name_of(object_classes[object]) + ", " + name_of(kitti_metrics[metric]) + " |";
      for (const KittiCurve& curve : result[object][metric]) {
        char text[48] = " - |";
        if (std::isfinite(curve.r40())) std::snprintf(text, sizeof text, " %.1f (%.1f) |", curve.r40(), curve.r11());
        table += text;
      }
      table += "\n";
    }
  return table;
}

}  // namespace weft::examples::fusion
