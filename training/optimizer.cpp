#include <weft/training/optimizer.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/tape.hpp>
#include <weft/core/error.hpp>
#include <weft/training/state_check.hpp>

namespace weft {

Optimizer::Optimizer(std::vector<NamedCell> params, TransformPtr transform)
    : params_(std::move(params)), transform_(std::move(transform)), step_(make_ref<StateCell>()) {
  Tensors values;
  for (const NamedCell& param : params_) {
    if (!param.cell->has_value())
      throw StateError("optimizer: " + param.path + " has no value yet; call initialize(model, inputs...) first");
    paths_.push_back(param.path);
    values.push_back(param.cell->value());
  }
  transform_->init(paths_, values);
  step_->set_value(Tensor(int64_t{0}));
}

/// Whether gradients are listed in the order of the parameters. Layouts are shared, so that paths are compared once.
bool Optimizer::knows(const State& gradients) {
  if (known_layout_ && gradients.layout() == known_layout_) return true;
  if (gradients.layout()->paths != paths_) return false;
  known_layout_ = gradients.layout();
  return true;
}

void Optimizer::update(const State& gradients) {
  NoGrad guard;
  const bool same_order = knows(gradients);
  if (!same_order) check_same_names("optimizer: the gradients are not those of its parameters", paths_, gradients);
  Tensors values, params;
  values.reserve(params_.size());
  params.reserve(params_.size());
  for (size_t i = 0; i < params_.size(); ++i) {
    values.push_back(same_order ? gradients.value(i) : gradients[paths_[i]]);
    params.push_back(params_[i].cell->value());
    if (!(values[i].shape() == params[i].shape()))
      throw ShapeError("optimizer: " + paths_[i] + ": expected a gradient of shape " + to_string(params[i].shape()) +
                       ", got " + to_string(values[i].shape()));
  }
  const Tensor step = step_->value();
  transform_->apply(std::move(values), {paths_, params, step}, [&](size_t i, const Tensor& value) {
    params[i] = Tensor();
    params_[i].cell->put(value);
  });
  step_->set_value(step + 1);
}

State Optimizer::state() const {
  State state;
  state.set("step", step_->value());
  transform_->visit_state([&](const std::string& name, StateCell& cell) { state.set(name, cell.value().copy()); });
  return state;
}

void Optimizer::load(const State& state) {
  std::vector<std::string> names{"step"};
  std::string misshapen;
  transform_->visit_state([&](const std::string& name, StateCell& cell) {
    names.push_back(name);
    check_spec(misshapen, name, cell.value().spec(), state);
  });
  check_same_names("optimizer: the state is not one of this optimizer", names, state);
  if (!misshapen.empty())
    throw StateError("optimizer: the state is not one of this optimizer; misshapen: " + misshapen);
  step_->set_value(Tensor(state["step"].item<int64_t>()));
  transform_->visit_state(
      [&](const std::string& name, StateCell& cell) { cell.set_value(state[name].to(cell.value().device()).copy()); });
}

}  // namespace weft
