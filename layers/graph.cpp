#include <weft/layers/graph.hpp>

#include <weft/core/error.hpp>

namespace weft {
namespace {

std::string listed(const std::vector<std::string>& items) {
  std::string text;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i == 20) return text + ", and " + std::to_string(items.size() - i) + " more";
    text += (i ? ", " : "") + items[i];
  }
  return text;
}

void require_shape(const std::string& path, const VariableCell& cell) {
  if (!cell.has_shape()) throw StateError(path + " has no shape yet; call initialize(model, inputs...) first");
}

State read(const Selection& selection, bool copy) {
  std::vector<Tensor> values;
  values.reserve(selection.cells.size());
  for (size_t i = 0; i < selection.cells.size(); ++i) {
    VariableCell& cell = *selection.cells[i];
    require_shape(selection.layout->paths[i], cell);
    cell.materialize();
    values.push_back(copy ? cell.value().copy() : cell.value());
  }
  return State(selection.layout, std::move(values));
}

class CallbackVisitor final : public PathVisitor {
 public:
  std::function<void(const std::string&, Variable&)> for_variable;
  std::function<void(const std::string&, const ModuleRef&)> for_module;
  void on_variable(const std::string& path, Variable& variable) override {
    if (for_variable) for_variable(path, variable);
  }
  bool on_module(const std::string& path, const ModuleRef& module) override {
    if (for_module) for_module(path, module);
    return true;
  }
};

}  // namespace

State state(const ModuleRef& model, const Filter& filter) { return read(*flatten(model)->select(filter), true); }
State state_view(const ModuleRef& model, const Filter& filter) { return read(*flatten(model)->select(filter), false); }

UpdateReport update(const ModuleRef& model, const State& state, const UpdateOptions& options) {
  const std::shared_ptr<const FlatModel> flat = flatten(model);
  UpdateReport report;
  std::vector<Tensor> values(flat->cells.size());
  std::vector<bool> used(state.size(), false);
  auto take = [&](const std::string& path, size_t cell) {
    size_t place = state.layout()->find(path);
    if (place == state.size() || !options.only({path, flat->cells[cell]->kind, flat->cells[cell]})) return;
    used[place] = true;
    if (!values[cell].defined()) values[cell] = state.value(place);
  };
  for (size_t i = 0; i < flat->cells.size(); ++i) take(flat->paths[i], i);
  for (const auto& [path, cell] : flat->aliases) take(path, cell);
  for (size_t i = 0; i < flat->cells.size(); ++i) {
    const VariableCell& cell = *flat->cells[i];
    if (!options.only({flat->paths[i], cell.kind, &cell})) continue;
    if (!values[i].defined()) {
      report.missing.push_back(flat->paths[i]);
    } else if (cell.has_shape() && !(cell.spec() == values[i].spec())) {
      report.misshapen.push_back(flat->paths[i] + ": expected " + to_string(cell.spec()) + ", got " +
                                 to_string(values[i].spec()));
      values[i] = Tensor();
    }
  }
  for (size_t i = 0; i < state.size(); ++i)
    if (!used[i]) report.unexpected.push_back(state.path(i));
  if (options.strict && !report.ok()) {
    std::string text = "update: expected a state that fits " + std::string(model.info->name) + ", got";
    const char* separator = " ";
    auto add = [&](const char* what, const std::vector<std::string>& items) {
      if (items.empty()) return;
      text += separator + std::string(what) + ": " + listed(items);
      separator = "; ";
    };
    add("missing", report.missing);
    add("unexpected", report.unexpected);
    add("misshapen", report.misshapen);
    throw StateError(text);
  }
  for (size_t i = 0; i < flat->cells.size(); ++i) {
    if (!values[i].defined()) continue;
    const Tensor& before = flat->cells[i]->untraced_value();  // says where the variable lives
    const Device device = before.defined() && !before.is_meta() ? before.device() : default_device();
    flat->cells[i]->put(values[i].to(device).copy());
  }
  return report;
}

State pop(const ModuleRef& model, const Filter& filter) {
  State popped = state(model, filter);
  for_each_variable(model, [&](const std::string& path, Variable& variable) {
    if (variable && filter({path, variable.cell()->kind, variable.cell().get()})) variable.rebind(nullptr);
  });
  bump_structure_epoch();
  return popped;
}

std::vector<State> split_state(const ModuleRef& model, const std::vector<Filter>& filters) {
  const std::shared_ptr<const FlatModel> flat = flatten(model);
  std::vector<size_t> chosen_by(flat->cells.size(), filters.size());
  std::vector<std::string> left;
  for (size_t i = 0; i < flat->cells.size(); ++i) {
    for (size_t f = filters.size(); f-- > 0;)
      if (filters[f]({flat->paths[i], flat->cells[i]->kind, flat->cells[i]})) chosen_by[i] = f;
    if (chosen_by[i] == filters.size()) left.push_back(flat->paths[i]);
  }
  if (!left.empty())
    throw ValueError("split: expected filters that choose every variable (end with `everything`), got none for " +
                     listed(left));
  std::vector<State> states;
  for (size_t f = 0; f < filters.size(); ++f) {
    Selection selection;
    auto layout = std::make_shared<StateLayout>();
    for (size_t i = 0; i < flat->cells.size(); ++i) {
      if (chosen_by[i] != f) continue;
      layout->paths.push_back(flat->paths[i]);
      layout->kinds.push_back(flat->cells[i]->kind);
      selection.cells.push_back(flat->cells[i]);
    }
    layout->sort();
    selection.layout = std::move(layout);
    states.push_back(read(selection, true));
  }
  return states;
}

void for_each_variable(const ModuleRef& model, const std::function<void(const std::string&, Variable&)>& function) {
  CallbackVisitor visitor;
  visitor.for_variable = function;
  model.walk(visitor);
}

void for_each_module(const ModuleRef& model,
                     const std::function<void(const std::string&, const ModuleRef&)>& function) {
  CallbackVisitor visitor;
  visitor.for_module = function;
  function("", model);
  model.walk(visitor);
}

int64_t num_parameters(const ModuleRef& model, const Filter& filter) {
  auto selection = flatten(model)->select(filter);
  int64_t count = 0;
  for (size_t i = 0; i < selection->cells.size(); ++i) {
    require_shape(selection->layout->paths[i], *selection->cells[i]);
    count += selection->cells[i]->spec().shape.elements();
  }
  return count;
}

int64_t num_bytes(const ModuleRef& model, const Filter& filter) {
  auto selection = flatten(model)->select(filter);
  int64_t count = 0;
  for (size_t i = 0; i < selection->cells.size(); ++i) {
    require_shape(selection->layout->paths[i], *selection->cells[i]);
    Spec spec = selection->cells[i]->spec();
    count += spec.shape.elements() * size_of(spec.dtype);
  }
  return count;
}

}  // namespace weft
