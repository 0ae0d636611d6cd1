#pragma once

#include <type_traits>

#include <weft/layers/module.hpp>

namespace weft {

namespace detail {
/// Tensors as shapes, everything else as it is.
template <class T> decltype(auto) shape_only(T& input) {
  if constexpr (std::is_convertible_v<T&, Tensor> && !VariableType<std::remove_cv_t<T>>) {
    Tensor tensor(input);
    return tensor.defined() ? Tensor::meta(tensor.spec()) : tensor;
  } else {
    return (input);
  }
}
}  // namespace detail

/// Fills every Variable whose shape is known.
void materialize(const ModuleRef& model);

/// Runs `model(inputs...)` with shapes alone: no kernel runs, no state is written, random streams stand still. Then the
/// parameters whose shapes it found are filled; their values do not depend on the order in which that happens.
template <Module T, class... Inputs> void initialize(T& model, const Inputs&... inputs) {
  {
    ShapeOnlyScope scope;
    static_cast<void>(model(detail::shape_only(inputs)...));
  }
  materialize(module_ref(model));
}

/// The same with a function that calls the model in its own way: `initialize_by(model, [&] { model.decode(tokens); })`.
/// The function's inputs should be shapes (Tensor::meta), or computed from them, to save the work.
template <Module T, class F> void initialize_by(T& model, F&& run) {
  {
    ShapeOnlyScope scope;
    run();
  }
  materialize(module_ref(model));
}

}  // namespace weft
