#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cumulative.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/softmax.hpp>

#include "calls.hpp"

namespace weft::conformance {

namespace {

using Masked = Tensor (*)(const Tensor&, const Axes&, bool, const Tensor&);
using Plain = Tensor (*)(const Tensor&, const Axes&, bool);
using Spread = Tensor (*)(const Tensor&, const Axes&, double, bool, const Tensor&);
using Arg = Tensor (*)(const Tensor&, int, bool);
using Running = Tensor (*)(const Tensor&, int, bool, bool);
using Normalized = Tensor (*)(const Tensor&, const Axes&, const Tensor&);

Function masked(Masked function) {
  return [function](const Tensors& x, const Arguments& a) {
    return Tensors{function(x.at(0), a.axes(), a.keepdims(), a.mask())};
  };
}
Function plain(Plain function) {
  return
      [function](const Tensors& x, const Arguments& a) { return Tensors{function(x.at(0), a.axes(), a.keepdims())}; };
}
Function spread(Spread function) {
  return [function](const Tensors& x, const Arguments& a) {
    return Tensors{function(x.at(0), a.axes(), a.config.number("ddof", 0), a.keepdims(), a.mask())};
  };
}
Function arg(Arg function) {
  return [function](const Tensors& x, const Arguments& a) {
    const Config& axis = a.config.get("axis");
    if (axis.is_null()) return Tensors{function(ravel(x.at(0)), 0, a.keepdims())};
    return Tensors{function(x.at(0), static_cast<int>(axis.integer()), a.keepdims())};
  };
}
/// Without an axis: over all elements in row-major order.
Function running(Running function) {
  return [function](const Tensors& x, const Arguments& a) {
    const Config& axis = a.config.get("axis");
    const bool reverse = a.config.flag("reverse", false);
    if (axis.is_null()) return Tensors{function(ravel(x.at(0)), 0, reverse, false)};
    return Tensors{function(x.at(0), static_cast<int>(axis.integer()), reverse, false)};
  };
}
Function normalized(Normalized function) {
  return [function](const Tensors& x, const Arguments& a) {
    return Tensors{function(x.at(0), a.axes("axis", -1), a.mask())};
  };
}

/// jnp.max with `initial`: no result is below it.
Tensors largest(const Tensors& x, const Arguments& a) {
  Tensor result = max(x.at(0), a.axes(), a.keepdims(), a.mask());
  const Config& initial = a.config.get("initial");
  return {initial.is_null() ? result : maximum(result, initial.number())};
}

}  // namespace

void add_reductions(FunctionTable& table) {
  table["jnp.sum"] = masked(sum);
  table["jnp.mean"] = masked(mean);
  table["jnp.prod"] = masked(prod);
  table["jnp.min"] = masked(min);
  table["jnp.max"] = largest;
  table["jax.nn.logsumexp"] = table["nnx.logsumexp"] = masked(logsumexp);
  table["jax.nn.logmeanexp"] = plain(logmeanexp);
  table["jnp.all"] = plain(all);
  table["jnp.any"] = plain(any);
  table["jnp.count_nonzero"] = plain(count_nonzero);
  table["jnp.var"] = spread(var);
  table["jnp.std"] = spread(stddev);
  table["jnp.linalg.norm"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{norm(x.at(0), a.axes(), a.config.number("ord", 2), a.keepdims())};
  };
  table["jnp.argmax"] = arg(argmax);
  table["jnp.argmin"] = arg(argmin);
  table["jnp.cumsum"] = table["jax.lax.cumsum"] = running(cumsum);
  table["jnp.cumprod"] = running(cumprod);
  table["jax.lax.cummax"] = running(cummax);
  table["jax.lax.cummin"] = running(cummin);
  table["jax.lax.cumlogsumexp"] = running(cumlogsumexp);
  table["jnp.diff"] = [](const Tensors& x, const Arguments& a) {
    return Tensors{diff(x.at(0), static_cast<int>(a.config.integer("axis", -1)))};
  };
  table["jax.nn.softmax"] = table["nnx.softmax"] = normalized(softmax);
  table["jax.nn.log_softmax"] = table["nnx.log_softmax"] = normalized(log_softmax);
}

}  // namespace weft::conformance
