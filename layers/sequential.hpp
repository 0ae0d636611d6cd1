#pragma once

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/layers/module.hpp>

namespace weft {

/// A module or a function, Tensor -> Tensor, of whatever type. Under its place's name the module's own members follow.
class AnyLayer {
 public:
  template <class L>
  requires(!std::is_same_v<std::remove_cvref_t<L>, AnyLayer> && std::is_invocable_r_v<Tensor, L&, const Tensor&>)
      AnyLayer(L&& layer)
      : held_(std::make_unique<Holder<std::decay_t<L>>>(std::forward<L>(layer))) {}
  AnyLayer(Cloner& cloner, const AnyLayer& other) : held_(other.held_->clone(cloner)) {}

  Tensor operator()(const Tensor& x) const { return held_->call(x); }
  /// The module inside; throws std::bad_cast when it is of another type.
  template <class L> L& as() const { return dynamic_cast<Holder<L>&>(*held_).layer; }

  ModuleRef weft_inner_module() const { return held_->module(); }
  void weft_walk_members(Visitor& visitor) { held_->module().walk(visitor); }
  static const ModuleInfo& weft_module_info();

 private:
  struct Held {
    virtual ~Held() = default;
    virtual Tensor call(const Tensor& x) = 0;
    virtual ModuleRef module() = 0;
    virtual std::unique_ptr<Held> clone(Cloner& cloner) const = 0;
  };
  template <class L> struct Holder final : Held {
    explicit Holder(L&& given) : layer(std::move(given)) {}
    explicit Holder(const L& given) requires std::is_copy_constructible_v<L> : layer(given) {}
    Tensor call(const Tensor& x) override { return layer(x); }
    ModuleRef module() override {
      if constexpr (Module<L>) return module_ref(layer);
      else return {this, &function_info()};
    }
    std::unique_ptr<Held> clone(Cloner& cloner) const override {
      return std::make_unique<Holder>(clone_member(cloner, layer));
    }
    L layer;
  };
  static const ModuleInfo& function_info();
  std::unique_ptr<Held> held_;
};

/// Layers and functions, one after another: `Sequential net(Linear({.out_features = 8}, rngs), relu, Linear(...));`.
/// Parameters are named `layers.0.kernel`.
struct Sequential {
  std::vector<AnyLayer> layers;
  WEFT_MODULE(Sequential, layers)

  template <class... L>
  requires(std::is_constructible_v<AnyLayer, L&&>&&...) explicit Sequential(L&&... given) {
    layers.reserve(sizeof...(L));
    (layers.emplace_back(std::forward<L>(given)), ...);
  }
  Sequential(Sequential&&) = default;
  Sequential& operator=(Sequential&&) = default;

  Tensor operator()(const Tensor& x) const;
};

}  // namespace weft
