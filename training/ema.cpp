#include <weft/training/ema.hpp>

#include <weft/autograd/ops/parameter_average.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/autograd/tape.hpp>
#include <weft/core/error.hpp>
#include <weft/training/state_check.hpp>

namespace weft {

ParameterAverage::ParameterAverage(const State& start, double step_size)
    : step_size_(step_size), layout_(start.layout()) {
  for (const Tensor& value : start.values()) {
    cells_.push_back(make_ref<StateCell>());
    cells_.back()->set_value(value);
  }
}

State ParameterAverage::average() const {
  Tensors values;
  for (const Ref<StateCell>& cell : cells_) values.push_back(cell->value());
  return State(layout_, std::move(values));
}

void ParameterAverage::load(const State& average) {
  const std::string what = "parameter average: the state is not one of this model";
  check_same_names(what, layout_->paths, average);
  std::string misshapen;
  for (size_t i = 0; i < cells_.size(); ++i)
    check_spec(misshapen, layout_->paths[i], cells_[i]->value().spec(), average);
  if (!misshapen.empty()) throw StateError(what + "; misshapen: " + misshapen);
  for (size_t i = 0; i < cells_.size(); ++i)
    cells_[i]->set_value(average[layout_->paths[i]].to(cells_[i]->value().device()).copy());
}

void ParameterAverage::blend(const State& params) {
  if (layout_ != params.layout() && layout_->paths != params.layout()->paths)
    throw StateError("parameter average: expected the model that it was made for");
  NoGrad guard;
  Tensors inputs = average().values();
  inputs.insert(inputs.end(), params.values().begin(), params.values().end());
  Tensors results = apply_all(op::ParameterAverage{step_size_}, inputs);
  for (size_t i = 0; i < cells_.size(); ++i) cells_[i]->set_value(results[i]);
}

}  // namespace weft
