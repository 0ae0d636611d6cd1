#include <weft/autograd/ops/einsum.hpp>
#include <weft/autograd/ops/matmul.hpp>

#include "calls.hpp"

namespace weft::conformance {

namespace {

Function product(Tensor (*function)(const Tensor&, const Tensor&)) {
  return [function](const Tensors& x, const Arguments&) { return Tensors{function(x.at(0), x.at(1))}; };
}

Tensors contract(const Tensors& x, const Arguments& arguments) {
  const Config& axes = arguments.config["axes"];
  if (axes.is_number()) return {tensordot(x.at(0), x.at(1), static_cast<int>(axes.integer()))};
  return {tensordot(x.at(0), x.at(1), axes.items().at(0).shape(), axes.items().at(1).shape())};
}

}  // namespace

void add_products(FunctionTable& table) {
  table["jnp.matmul"] = product(matmul);
  table["jnp.dot"] = product(dot);
  table["jnp.inner"] = product(inner);
  table["jnp.outer"] = product(outer);
  table["jnp.vdot"] = product(vdot);
  table["jnp.kron"] = product(kron);
  table["jnp.tensordot"] = contract;
  table["jnp.einsum"] = [](const Tensors& x, const Arguments& arguments) {
    return Tensors{einsum(arguments.config["subscripts"].text(), x)};
  };
}

}  // namespace weft::conformance
