#include <weft/layers/tabulate.hpp>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <ostream>
#include <unordered_map>

#include <weft/autograd/tape.hpp>
#include <weft/core/error.hpp>
#include <weft/layers/graph.hpp>

namespace weft {
namespace detail {

struct TableRecorder::State final : ScopeListener {
  struct Frame {
    ModuleRef module;
    size_t start;  // tensors known when it began
    std::vector<size_t> used;
    std::optional<Spec> last;
    double flops = 0;
  };
  struct Cost {
    std::vector<Spec> inputs, outputs;
    double flops = 0;
    int calls = 0;
  };

  State()
      : ops([this](const Primitive& primitive, const void* op, std::span<const Tensor> inputs,
                   std::span<const Tensor> outputs) { on_op(primitive, op, inputs, outputs); }) {}

  /// Tensors are told apart by where their shapes lie; they are kept, so that none takes another's place.
  static const void* identity(const Tensor& tensor) { return &tensor.shape(); }
  void know(const Tensor& tensor) {
    if (numbers.emplace(identity(tensor), known.size()).second) known.push_back(tensor);
  }

  void on_enter(const Scope& scope) override { frames.push_back({scope.module(), known.size(), {}, std::nullopt}); }

  void on_leave(const Scope&) override {
    Frame frame = std::move(frames.back());
    frames.pop_back();
    Cost& cost = cost_of(frame.module);
    cost.flops += frame.flops;
    if (cost.calls++ > 0) return;
    for (size_t number : frame.used) cost.inputs.push_back(known[number].spec());
    if (frame.last) cost.outputs.push_back(*frame.last);
  }

  void on_op(const Primitive& primitive, const void* op, std::span<const Tensor> inputs,
             std::span<const Tensor> outputs) {
    if (frames.empty()) {
      for (const Tensor& output : outputs) know(output);
      return;
    }
    std::vector<Spec> input_specs, output_specs;
    for (const Tensor& input : inputs) input_specs.push_back(input.spec());
    for (const Tensor& output : outputs) output_specs.push_back(output.spec());
    double flops = primitive.flops(op, input_specs, output_specs);
    for (Frame& frame : frames) {
      frame.flops += flops;
      if (!output_specs.empty()) frame.last = output_specs[0];
      for (const Tensor& input : inputs) {
        auto number = numbers.find(identity(input));
        if (number == numbers.end() || number->second >= frame.start) continue;
        if (std::find(frame.used.begin(), frame.used.end(), number->second) == frame.used.end())
          frame.used.push_back(number->second);
      }
    }
    for (const Tensor& output : outputs) know(output);
  }

  Cost& cost_of(const ModuleRef& module) {
    for (auto& [known_module, cost] : costs)
      if (known_module == module) return cost;
    return costs.emplace_back(module, Cost()).second;
  }

  std::vector<Tensor> known;
  std::unordered_map<const void*, size_t> numbers;
  std::vector<Frame> frames;
  std::vector<std::pair<ModuleRef, Cost>> costs;
  OpListener ops;
};

TableRecorder::TableRecorder() : state_(std::make_unique<State>()) {}
TableRecorder::~TableRecorder() = default;
void TableRecorder::add_input(const Tensor& tensor) { state_->know(tensor); }

Table TableRecorder::table(const ModuleRef& model) {
  Table table;
  for_each_module(model, [&](const std::string& path, const ModuleRef& module) {
    Table::Row row;
    row.path = path;
    row.type = module.info->name;
    const State::Cost& cost = state_->cost_of(module);
    row.inputs = cost.inputs;
    row.outputs = cost.outputs;
    row.flops = cost.flops;
    row.calls = cost.calls;
    for (const NamedCell& named : cells(module, everything)) {
      if (!named.cell->has_shape()) continue;
      Spec spec = named.cell->spec();
      row.counts[std::string(named.cell->kind->name)] += spec.shape.elements();
      if (named.cell->kind->is(Param::kind())) row.parameters += spec.shape.elements();
      row.bytes += spec.shape.elements() * size_of(spec.dtype);
    }
    table.rows.push_back(std::move(row));
  });
  return table;
}

}  // namespace detail

namespace {

/// `1,234,567`.
std::string grouped(int64_t number) {
  std::string digits = std::to_string(number);
  for (auto place = static_cast<int64_t>(digits.size()) - 3; place > 0; place -= 3)
    digits.insert(static_cast<size_t>(place), ",");
  return digits;
}

/// `1.23 M`.
std::string scaled(double number, double step, const char* const* units) {
  int unit = 0;
  while (number >= step && units[unit + 1]) number /= step, ++unit;
  char text[40];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f%s" : "%.2f %s", number, units[unit]);
  return text;
}

std::string specs_text(const std::vector<Spec>& specs) {
  std::string text;
  for (const Spec& spec : specs) text += (text.empty() ? "" : ", ") + to_string(spec);
  return text;
}

class DisplayVisitor final : public Visitor {
 public:
  std::string text;

  void variable(const MemberName& name, Variable& variable) override {
    if (!variable) return;
    begin(name);
    const VariableCell& cell = *variable.cell();
    text += std::string(cell.kind->name) + ' ';
    text += cell.has_shape() ? to_string(cell.spec()) : "without a shape";
    if (cell.owners() > 1) text += ", shared";
    if (!cell.has_value() && cell.declared) text += ", to be filled by " + cell.declared->initializer.text();
    text += '\n';
  }
  bool enter(const MemberName& name, const ModuleRef& module) override {
    begin(name);
    text += std::string(module.info->name) + '\n';
    ++depth_;
    return true;
  }
  void leave() override { --depth_; }
  void open(const MemberName& name, size_t count) override {
    begin(name);
    text += std::to_string(count) + " of them\n";
    ++depth_;
  }
  void close() override { --depth_; }
  void attribute(const MemberName& name, const Attribute& attribute) override {
    if (!attribute.text) return;
    std::string value = attribute.text(attribute.data);
    if (value == "-1" || value == "[]") return;  // left to the data
    begin(name);
    text += value + '\n';
  }

 private:
  void begin(const MemberName& name) {
    text.append(static_cast<size_t>(2 * depth_), ' ');
    std::string own;
    name.append_to(own);
    text += own + ": ";
  }
  int depth_ = 1;
};

}  // namespace

const Table::Row& Table::operator[](const std::string& path) const {
  for (const Row& row : rows)
    if (row.path == path) return row;
  throw IndexError("table: expected the path of a module, got " + path);
}

std::string to_string(const Table& table) {
  static const char* const counts[] = {"", "K", "M", "G", "T", "P", nullptr};
  static const char* const sizes[] = {" B", "KiB", "MiB", "GiB", "TiB", nullptr};
  std::vector<std::vector<std::string>> lines{{"path", "type", "inputs", "outputs", "parameters", "bytes", "FLOPs"}};
  for (const Table::Row& row : table.rows) {
    if (row.calls == 0 && row.bytes == 0) continue;
    lines.push_back({row.path.empty() ? "(model)" : row.path, row.type, specs_text(row.inputs), specs_text(row.outputs),
                     grouped(row.parameters), scaled(static_cast<double>(row.bytes), 1024, sizes),
                     scaled(row.flops, 1000, counts)});
  }
  std::vector<size_t> widths(lines[0].size(), 0);
  for (const auto& line : lines)
    for (size_t column = 0; column < line.size(); ++column)
      widths[column] = std::max(widths[column], line[column].size());
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) {
    for (size_t column = 0; column < widths.size(); ++column) {
      std::string padding(widths[column] - lines[i][column].size(), ' ');
      bool right = column >= 4;
      text += (right ? padding + lines[i][column] : lines[i][column] + padding) + "  ";
    }
    text += '\n';
    if (i > 0) continue;
    for (size_t width : widths) text += std::string(width, '-') + "  ";
    text += '\n';
  }
  return text;
}

std::ostream& operator<<(std::ostream& stream, const Table& table) { return stream << to_string(table); }

std::string display(const ModuleRef& model) {
  DisplayVisitor visitor;
  model.walk(visitor);
  return std::string(model.info->name) + '\n' + visitor.text;
}

}  // namespace weft
