#include <weft/training/optimizer.hpp>

#include <algorithm>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/tape.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

void append(std::string& list, const std::string& item) { list += (list.empty() ? "" : ", ") + item; }

/// Throws StateError unless both lists name the same things.
void check_same_names(const std::string& what, const std::vector<std::string>& expected, const State& got) {
  std::string missing, unexpected;
  for (const std::string& name : expected)
    if (!got.contains(name)) append(missing, name);
  std::vector<std::string> sorted = expected;
  std::sort(sorted.begin(), sorted.end());
  for (auto [name, value, kind] : got)
    if (!std::binary_search(sorted.begin(), sorted.end(), name)) append(unexpected, name);
  if (missing.empty() && unexpected.empty()) return;
  throw StateError(what + (missing.empty() ? "" : "; missing: " + missing) +
                   (unexpected.empty() ? "" : "; unexpected: " + unexpected));
}

}  // namespace

Optimizer::Optimizer(std::vector<NamedCell> params, TransformPtr transform)
    : params_(std::move(params)), transform_(std::move(transform)) {
  Tensors values;
  for (const NamedCell& param : params_) {
    if (!param.cell->has_value())
      throw StateError("optimizer: " + param.path + " has no value yet; call initialize(model, inputs...) first");
    paths_.push_back(param.path);
    values.push_back(param.cell->value);
  }
  transform_->init(paths_, values);
}

void Optimizer::update(const State& gradients) {
  NoGrad guard;
  bool same_order = gradients.size() == paths_.size();
  for (size_t i = 0; same_order && i < paths_.size(); ++i) same_order = gradients.path(i) == paths_[i];
  if (!same_order) check_same_names("optimizer: the gradients are not those of its parameters", paths_, gradients);
  Tensors values, params;
  for (size_t i = 0; i < params_.size(); ++i) {
    const Tensor& gradient = same_order ? gradients.value(i) : gradients[paths_[i]];
    const Tensor& param = params_[i].cell->value;
    if (!(gradient.shape() == param.shape()))
      throw ShapeError("optimizer: " + paths_[i] + ": expected a gradient of shape " + to_string(param.shape()) +
                       ", got " + to_string(gradient.shape()));
    values.push_back(gradient);
    params.push_back(param);
  }
  Tensors updates = transform_->update(std::move(values), {paths_, params, Tensor(step_)});
  for (size_t i = 0; i < params_.size(); ++i) params_[i].cell->put(cast(params[i] + updates[i], params[i].dtype()));
  ++step_;
}

State Optimizer::state() const {
  State state;
  state.set("step", Tensor(step_));
  transform_->visit_state([&](const std::string& name, Tensor& value) { state.set(name, value.copy()); });
  return state;
}

void Optimizer::load(const State& state) {
  std::vector<std::string> names{"step"};
  std::string misshapen;
  transform_->visit_state([&](const std::string& name, Tensor& value) {
    names.push_back(name);
    if (state.contains(name) && !(state[name].spec() == value.spec()))
      append(misshapen,
             name + " (expected " + to_string(value.spec()) + ", got " + to_string(state[name].spec()) + ")");
  });
  check_same_names("optimizer: the state is not one of this optimizer", names, state);
  if (!misshapen.empty())
    throw StateError("optimizer: the state is not one of this optimizer; misshapen: " + misshapen);
  step_ = state["step"].item<int64_t>();
  transform_->visit_state(
      [&](const std::string& name, Tensor& value) { value = state[name].to(value.device()).copy(); });
}

}  // namespace weft
