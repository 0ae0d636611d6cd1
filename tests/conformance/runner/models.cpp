#include "models.hpp"

#include <weft/autograd/ops/activation.hpp>

namespace weft::conformance {

Tensor activate(const Tensor& x, const std::string& name) {
  if (name == "relu") return relu(x);
  if (name == "tanh") return tanh(x);
  throw Unsupported("activation " + name);
}

Mlp::Mlp(const Config& config) : activation(config["activation"].text()) {
  Rngs rngs(0);
  const Shape sizes = config["sizes"].shape();
  for (int i = 0; i + 1 < sizes.rank(); ++i)
    layers.push_back(Linear({.in_features = sizes[i], .out_features = sizes[i + 1]}, rngs));
}

Tensor Mlp::operator()(const Tensor& x) const {
  Tensor h = x;
  for (size_t i = 0; i < layers.size(); ++i) {
    h = layers[i](h);
    if (i + 1 < layers.size()) h = activate(h, activation);
  }
  return h;
}

}  // namespace weft::conformance
