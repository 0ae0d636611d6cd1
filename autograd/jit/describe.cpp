#include <weft/autograd/jit/describe.hpp>

#include <cstdio>
#include <map>
#include <set>

namespace weft {
namespace {

using jit_graph::Graph, jit_graph::Node, jit_graph::Source, jit_graph::State, jit_graph::Use, jit_graph::Value;

std::string counted(int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string megabytes(int64_t bytes) {
  char text[32];
  if (bytes < 1 << 20) std::snprintf(text, sizeof text, "%.1f KiB", static_cast<double>(bytes) / 1024);
  else std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string describe_plan(const Plan& plan) {
  const Graph& graph = plan.graph();
  const jit_graph::PassReport& report = plan.report();
  std::string arguments;
  for (const Value& value : graph.values)
    if (value.source == Source::argument) arguments += (arguments.empty() ? "" : ", ") + to_string(value.spec);
  std::string text = "plan for (" + arguments + "):\n";
  text += "  ops: " + std::to_string(report.traced) + " traced, " + std::to_string(report.dead) + " of no effect, " +
          std::to_string(report.repeated) + " repeated, " + std::to_string(report.fused_elementwise) +
          " elementwise in " + counted(report.elementwise_groups, "chain") + "; " + std::to_string(graph.nodes.size()) +
          " run\n";
  text += "  arena: " + megabytes(plan.memory().arena_bytes) + " (" + megabytes(plan.memory().bytes_without_reuse) +
          " without reuse); " + counted(plan.memory().written_over, "result") + " written over an input\n";
  int written = 0, in_place = 0;
  for (size_t i = 0; i < graph.states.size(); ++i) {
    written += graph.states[i].after.value >= 0;
    in_place += plan.memory().in_place[i];
  }
  text += "  live: " + counted(static_cast<int64_t>(graph.states.size()), "variable") + ", " + std::to_string(written) +
          " written, " + std::to_string(in_place) + " of them in place\n";
  std::map<std::string, int> kinds;
  for (const Node& node : graph.nodes) ++kinds[node.name()];
  for (const auto& [name, count] : kinds) text += "  " + std::to_string(count) + " x " + name + "\n";
  if (!report.fused.empty()) {
    text += "  fused:\n";
    for (const std::string& line : report.fused) text += "    " + line + "\n";
  }
  text += "  frozen: " + counted(plan.numbers(), "number");
  for (const Trace::Frozen& frozen : plan.frozen())
    text += "; " + to_string(frozen.tensor.spec()) + " (" + frozen.used_by + ")";
  return text + "\n";
}

std::string plan_as_dot(const Plan& plan) {
  const Graph& graph = plan.graph();
  std::string text =
      "digraph plan {\n  rankdir=TB;\n  node [shape=box, style=\"rounded,filled\", fillcolor=\"#eef2f7\", "
      "color=\"#44546a\", fontname=\"Helvetica\", fontsize=11];\n  edge [fontname=\"Helvetica\", fontsize=9, "
      "color=\"#7f8fa6\"];\n";
  // Graphviz's usual care would take minutes over a large plan; variables would hide it.
  const bool large = graph.nodes.size() > 60;
  if (large) text += "  nslimit=2; nslimit1=2; mclimit=0.2; splines=line;\n";
  std::map<int, std::string> made_by;
  std::set<int> shown;
  auto node_line = [&](const std::string& id, const std::string& label, const char* fill) {
    text += "  " + id + " [label=\"" + escaped(label) + "\", fillcolor=\"" + fill + "\"];\n";
  };
  auto source_of = [&](int value) {
    auto made = made_by.find(value);
    if (made != made_by.end()) return made->second;
    const Value& v = graph[value];
    std::string id = "v" + std::to_string(value);
    if (shown.insert(value).second) {
      if (v.source == Source::argument) node_line(id, "argument " + std::to_string(v.index), "#dcefdc");
      else if (v.source == Source::state) node_line(id, "variable " + to_string(v.spec), "#fdf1d6");
      else node_line(id, "frozen " + to_string(v.spec), "#eeeeee");
    }
    return id;
  };
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const std::string id = "n" + std::to_string(n);
    std::string label = node.name();
    if (!node.path.empty()) label += "\\n" + node.path;
    // The label's line break is Graphviz's own.
    text += "  " + id + " [label=\"" + label + "\"];\n";
    for (const Use& use : node.inputs) {
      const Value& value = graph[use.value];
      if (value.source == Source::constant && value.spec.shape.rank() == 0) continue;
      if (large && value.source == Source::state) continue;
      const std::string from = source_of(use.value);
      text += "  " + from + " -> " + id + " [label=\"" + to_string(graph.spec(use)) + "\"];\n";
    }
    for (int output : node.outputs) made_by[output] = id;
  }
  for (size_t i = 0; i < graph.results.size(); ++i) {
    const std::string id = "r" + std::to_string(i);
    node_line(id, "result " + std::to_string(i), "#d6e4fd");
    text += "  " + source_of(graph.results[i].value) + " -> " + id + ";\n";
  }
  return text + "}\n";
}

}  // namespace weft
