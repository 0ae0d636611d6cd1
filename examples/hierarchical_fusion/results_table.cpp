#include <weft/examples/hierarchical_fusion/results_table.hpp>

#include <weft/core/error.hpp>
#include <weft/examples/common/metrics_json.hpp>
#include <weft/examples/common/run_table.hpp>

namespace weft::examples::hierarchy {

std::string results_table(const std::vector<std::filesystem::path>& runs) {
  const RunColumn parameters{"parameters", "parameters", 1, 0}, minutes{"minutes", "minutes", 1, 1};
  RunTable legend("fusion", {{"mIoU %", "mean_iou", 100, 2},
                             {"point recall %", "point_recall", 100, 2},
                             {"pointing %", "pointing"},
                             {"legend erased, mIoU %", "legend_erased_mean_iou", 100, 2},
                             {"follows new legend %", "follows_new_legend", 100, 2},
                             parameters,
                             minutes});
  RunTable digits("branches", {{"accuracy %", "test_accuracy", 100, 2}, parameters, minutes});
  bool any_legend = false, any_digits = false;
  for (const std::filesystem::path& run : runs) {
    const nlohmann::ordered_json metrics = read_metrics(run), flags = metrics.value("flags", metrics.object());
    const std::string task = metrics.value("task", "");
    if (task != "legend" && task != "digits")
      throw FormatError(run.string() + ": task: expected legend or digits, got '" + task + "'");
    (task == "legend" ? any_legend : any_digits) = true;
    if (task == "legend") legend.add(flags.value("fusion", "?"), metrics);
    else digits.add(flags.value("branches", "?"), metrics);
  }
  return (any_legend ? legend.all_runs() : "") + (any_legend && any_digits ? "\n" : "") +
         (any_digits ? digits.all_runs() : "");
}

}  // namespace weft::examples::hierarchy
