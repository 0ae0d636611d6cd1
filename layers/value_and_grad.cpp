#include <weft/layers/value_and_grad.hpp>

#include <weft/autograd/remat.hpp>
#include <weft/core/error.hpp>
#include <weft/layers/gradient_frame.hpp>
#include <weft/layers/perturb.hpp>

namespace weft {
namespace {

/// Puts the tracked values of some cells back, whatever happens.
class TrackedValues {
 public:
  ~TrackedValues() {
    for (auto& [cell, before] : saved_) cell->tracked = before;
  }
  void track(VariableCell* cell, const Tensor& value) {
    saved_.emplace_back(Ref<VariableCell>(cell), cell->tracked);
    cell->tracked = value;
  }

 private:
  std::vector<std::pair<Ref<VariableCell>, Tensor>> saved_;
};

}  // namespace

std::pair<Tensor, std::vector<State>> value_and_grad(const std::vector<ModuleRef>& models,
                                                     const std::function<Tensor()>& loss, const GradOptions& options) {
  std::vector<std::shared_ptr<const Selection>> selections;
  std::vector<std::vector<const VariableCell*>> owned;
  std::vector<VariableCell*> targets;  // each once: models may share cells
  Tensors inputs;
  std::vector<std::vector<size_t>> places(models.size());
  for (size_t m = 0; m < models.size(); ++m) {
    std::shared_ptr<const FlatModel> flat = flatten(models[m]);
    owned.push_back(flat->sorted);
    selections.push_back(flat->select(options.wrt));
    for (size_t i = 0; i < selections[m]->cells.size(); ++i) {
      VariableCell* cell = selections[m]->cells[i];
      const std::string& path = selections[m]->layout->paths[i];
      if (!cell->has_shape())
        throw StateError(path + " has no shape yet; call initialize(model, inputs...) before value_and_grad");
      cell->materialize();
      if (!is_floating(cell->value().dtype()))
        throw DTypeError("value_and_grad: expected floating variables, got " + path + ", " +
                         to_string(cell->value().spec()));
      size_t place = targets.size();
      for (size_t t = 0; m > 0 && t < targets.size(); ++t)
        if (targets[t] == cell) place = t;
      places[m].push_back(place);
      if (place < targets.size()) continue;
      targets.push_back(cell);
      inputs.push_back(cell->tracked.defined() ? cell->tracked : cell->value());
    }
  }
  for (const ModelPointer& constant : options.constant) owned.push_back(flatten(constant.module)->sorted);

  PerturbationScope* perturbations = PerturbationScope::current();
  if (perturbations) inputs.push_back(Tensor(0.0f));

  TrackedValues tracked;
  GradientFrame frame(owned);
  auto [value, gradients] = value_and_grad(
      [&](const Tensors& watched) {
        for (size_t i = 0; i < targets.size(); ++i) tracked.track(targets[i], watched[i]);
        if (perturbations) perturbations->start(watched.back());
        return loss();
      },
      inputs);

  std::vector<State> states;
  for (size_t m = 0; m < models.size(); ++m) {
    std::vector<Tensor> own;
    own.reserve(places[m].size());
    for (size_t place : places[m]) own.push_back(gradients[place]);
    states.emplace_back(selections[m]->layout, std::move(own));
  }
  return {std::move(value), std::move(states)};
}

Tensor remat_call(const std::function<Tensor(const Tensors&)>& function, const Tensors& inputs) {
  return remat([function](const Tensors& given) { return Tensors{function(given)}; })(inputs)[0];
}

}  // namespace weft
