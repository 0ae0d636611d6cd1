#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/reduce.hpp>

#include "calls.hpp"

namespace weft::conformance {

void add_activations(FunctionTable& table) {
  const std::map<std::string, Tensor (*)(const Tensor&)> list{{"jax.nn.mish", mish},
                                                              {"nnx.hard_sigmoid", hard_sigmoid},
                                                              {"nnx.hard_silu", hard_silu},
                                                              {"nnx.hard_swish", hard_swish},
                                                              {"nnx.hard_tanh", hard_tanh},
                                                              {"nnx.identity", identity},
                                                              {"nnx.log_sigmoid", log_sigmoid},
                                                              {"nnx.relu", relu},
                                                              {"nnx.relu6", relu6},
                                                              {"nnx.selu", selu},
                                                              {"nnx.sigmoid", sigmoid},
                                                              {"nnx.silu", silu},
                                                              {"nnx.soft_sign", soft_sign},
                                                              {"nnx.softplus", softplus},
                                                              {"nnx.swish", swish},
                                                              {"nnx.tanh", tanh}};
  for (const auto& [name, function] : list) table[name] = unary(function);
  table["jax.nn.squareplus"] = [](const Tensors& x, const Arguments& arguments) {
    return Tensors{squareplus(x.at(0), arguments.config.number("b", 4))};
  };
  table["nnx.celu"] = [](const Tensors& x, const Arguments& arguments) {
    return Tensors{celu(x.at(0), arguments.config.number("alpha", 1))};
  };
  table["nnx.elu"] = [](const Tensors& x, const Arguments& arguments) {
    return Tensors{elu(x.at(0), arguments.config.number("alpha", 1))};
  };
  table["nnx.gelu"] = [](const Tensors& x, const Arguments& arguments) {
    return Tensors{gelu(x.at(0), arguments.config.flag("approximate", true))};
  };
  table["nnx.leaky_relu"] = [](const Tensors& x, const Arguments& arguments) {
    return Tensors{leaky_relu(x.at(0), arguments.config.number("negative_slope", 0.01))};
  };
  table["nnx.glu"] = [](const Tensors& x, const Arguments& arguments) {
    return Tensors{glu(x.at(0), static_cast<int>(arguments.config.integer("axis", -1)))};
  };
  table["nnx.standardize"] = [](const Tensors& x, const Arguments& arguments) {
    return Tensors{standardize(x.at(0), static_cast<int>(arguments.config.integer("axis", -1)),
                               arguments.config.number("epsilon", 1e-5))};
  };
}

}  // namespace weft::conformance
