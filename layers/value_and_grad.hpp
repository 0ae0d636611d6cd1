#pragma once

#include <array>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/autograd/grad.hpp>
#include <weft/layers/flatten.hpp>

namespace weft {

/// A model by its address: `{&teacher}`.
struct ModelPointer {
  template <Module T> ModelPointer(const T* model) : module(module_ref(*model)) {}
  ModuleRef module;
};

struct GradOptions {
  /// Which Variables gradients are asked for.
  Filter wrt = of_type<Param>;
  /// Models that the loss uses and that stay as they are.
  std::vector<ModelPointer> constant = {};
};

/// Loss and one State of gradients for each model. Everything below rests on this one.
std::pair<Tensor, std::vector<State>> value_and_grad(const std::vector<ModuleRef>& models,
                                                     const std::function<Tensor()>& loss, const GradOptions& options);

namespace detail {
template <class... M> std::vector<ModuleRef> refs(const std::tuple<M&...>& models) {
  return std::apply([](auto&... model) { return std::vector<ModuleRef>{module_ref(model)...}; }, models);
}

template <class F, class... M> decltype(auto) call_loss(F& loss, M&... models) {
  if constexpr (std::is_invocable_v<F&>) return loss();
  else return loss(models...);
}

template <class Aux>
std::pair<Tensor, std::vector<State>> value_and_grad_with(const std::vector<ModuleRef>& models,
                                                          const GradOptions& options, Aux& auxiliary,
                                                          const auto& call) {
  return value_and_grad(
      models,
      [&] {
        auto [value, extra] = call();
        auxiliary.emplace(std::move(extra));
        return Tensor(value);
      },
      options);
}
}  // namespace detail

/// The loss and its gradient with respect to the model's parameters, under their paths:
///   auto [loss, grads] = value_and_grad(model, [&] { return mean(square(model(x) - y)); });
/// `loss` takes nothing, or the model. When it gives a pair {loss, auxiliary}, so do we: {loss, auxiliary} and grads.
/// State that the loss writes (running statistics) is written. Throws StateError naming a parameter that has no shape
/// yet, and one that the loss used but that belongs neither to the model nor to options.constant (unless under NoGrad);
/// ShapeError when the loss is no scalar.
template <Module T, class F> auto value_and_grad(T& model, F&& loss, const GradOptions& options = {}) {
  auto call = [&] { return detail::call_loss(loss, model); };
  using Result = decltype(call());
  std::vector<ModuleRef> models{module_ref(model)};
  if constexpr (std::is_convertible_v<Result, Tensor>) {
    auto [value, grads] = value_and_grad(models, std::function<Tensor()>(call), options);
    return std::pair<Tensor, State>(std::move(value), std::move(grads[0]));
  } else {
    std::optional<typename Result::second_type> auxiliary;
    auto [value, grads] = detail::value_and_grad_with(models, options, auxiliary, call);
    return std::pair<std::pair<Tensor, typename Result::second_type>, State>(
        std::pair<Tensor, typename Result::second_type>(std::move(value), std::move(*auxiliary)), std::move(grads[0]));
  }
}

/// The same for several models at once, such as a generator and its critic: `value_and_grad(std::tie(a, b), loss)`
/// gives one State of gradients for each, in an array.
template <Module... M, class F>
auto value_and_grad(const std::tuple<M&...>& models, F&& loss, const GradOptions& options = {}) {
  auto call = [&] { return std::apply([&](auto&... model) { return detail::call_loss(loss, model...); }, models); };
  using Result = decltype(call());
  auto array = [](std::vector<State>& grads) {
    std::array<State, sizeof...(M)> states;
    for (size_t i = 0; i < states.size(); ++i) states[i] = std::move(grads[i]);
    return states;
  };
  if constexpr (std::is_convertible_v<Result, Tensor>) {
    auto [value, grads] = value_and_grad(detail::refs(models), std::function<Tensor()>(call), options);
    return std::pair(std::move(value), array(grads));
  } else {
    std::optional<typename Result::second_type> auxiliary;
    auto [value, grads] = detail::value_and_grad_with(detail::refs(models), options, auxiliary, call);
    return std::pair(std::pair(std::move(value), std::move(*auxiliary)), array(grads));
  }
}

/// The gradient alone: a State, or an array of them for several models.
template <Module T, class F> State grad(T& model, F&& loss, const GradOptions& options = {}) {
  return value_and_grad(model, std::forward<F>(loss), options).second;
}
template <Module... M, class F> auto grad(const std::tuple<M&...>& models, F&& loss, const GradOptions& options = {}) {
  return value_and_grad(models, std::forward<F>(loss), options).second;
}

/// `layer(inputs...)` without keeping what it computes on the way: the gradient computes it again. See
/// autograd/remat.hpp.
Tensor remat_call(const std::function<Tensor(const Tensors&)>& function, const Tensors& inputs);
template <Module T, class... Inputs>
requires(std::is_convertible_v<const Inputs&, Tensor>&&...) Tensor remat(T& layer, const Inputs&... inputs) {
  // The layer is held by reference: it must live until the gradient has been computed.
  return remat_call(
      [&layer](const Tensors& given) {
        return [&]<size_t... I>(std::index_sequence<I...>) { return Tensor(layer(given[I]...)); }
        (std::index_sequence_for<Inputs...>());
      },
      Tensors{Tensor(inputs)...});
}

}  // namespace weft
