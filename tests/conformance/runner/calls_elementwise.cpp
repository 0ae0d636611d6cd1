#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/unary.hpp>

#include "calls.hpp"

namespace weft::conformance {

namespace {

Function binary(Tensor (*function)(const Operand&, const Operand&)) {
  return [function](const Tensors& x, const Arguments&) { return Tensors{function(x.at(0), x.at(1))}; };
}

/// jnp.clip: either bound may be missing.
Tensors clip_numbers(const Tensors& x, const Arguments& arguments) {
  Tensor result = x.at(0);
  if (!arguments.config.get("min").is_null()) result = maximum(result, arguments.config["min"].number());
  if (!arguments.config.get("max").is_null()) result = minimum(result, arguments.config["max"].number());
  return {result};
}

Tensors shared_subexpressions(const Tensors& inputs, const Arguments&) {
  const Tensor &x = inputs.at(0), &y = inputs.at(1);
  Tensor a = x * y, b = sin(a) + x;
  return {a * b + b / (1 + square(a)) - x};
}

void add_unary(FunctionTable& table) {
  const std::map<std::string, Tensor (*)(const Tensor&)> list{{"jnp.abs", abs},
                                                              {"jnp.arccos", acos},
                                                              {"jnp.arccosh", acosh},
                                                              {"jnp.arcsin", asin},
                                                              {"jnp.arcsinh", asinh},
                                                              {"jnp.arctan", atan},
                                                              {"jnp.arctanh", atanh},
                                                              {"jnp.cbrt", cbrt},
                                                              {"jnp.ceil", ceil},
                                                              {"jnp.cos", cos},
                                                              {"jnp.cosh", cosh},
                                                              {"jnp.exp", exp},
                                                              {"jnp.exp2", exp2},
                                                              {"jnp.expm1", expm1},
                                                              {"jnp.floor", floor},
                                                              {"jnp.log", log},
                                                              {"jnp.log10", log10},
                                                              {"jnp.log1p", log1p},
                                                              {"jnp.log2", log2},
                                                              {"jnp.negative", negative},
                                                              {"jnp.reciprocal", reciprocal},
                                                              {"jnp.rint", round},
                                                              {"jnp.sign", sign},
                                                              {"jnp.sin", sin},
                                                              {"jnp.sinc", sinc},
                                                              {"jnp.sinh", sinh},
                                                              {"jnp.sqrt", sqrt},
                                                              {"jnp.square", square},
                                                              {"jnp.tan", tan},
                                                              {"jnp.tanh", tanh},
                                                              {"jnp.trunc", trunc},
                                                              {"jnp.logical_not", logical_not},
                                                              {"jax.lax.rsqrt", rsqrt},
                                                              {"jax.nn.log_sigmoid", log_sigmoid},
                                                              {"jax.nn.relu", relu},
                                                              {"jax.nn.sigmoid", sigmoid},
                                                              {"jax.nn.softplus", softplus},
                                                              {"jax.scipy.special.erf", erf},
                                                              {"jax.scipy.special.erfc", erfc},
                                                              {"jax.scipy.special.erfinv", erfinv},
                                                              {"jax.scipy.special.expit", sigmoid},
                                                              {"jax.scipy.special.logit", logit}};
  for (const auto& [name, function] : list) table[name] = unary(function);
  table["jnp.nan_to_num"] = [](const Tensors& x, const Arguments&) { return Tensors{nan_to_num(x.at(0))}; };
}

void add_binary(FunctionTable& table) {
  const std::map<std::string, Tensor (*)(const Operand&, const Operand&)> list{{"jnp.add", add},
                                                                               {"jnp.arctan2", atan2},
                                                                               {"jnp.divide", divide},
                                                                               {"jnp.equal", equal},
                                                                               {"jnp.floor_divide", floor_divide},
                                                                               {"jnp.greater", greater},
                                                                               {"jnp.greater_equal", greater_equal},
                                                                               {"jnp.hypot", hypot},
                                                                               {"jnp.less", less},
                                                                               {"jnp.less_equal", less_equal},
                                                                               {"jnp.logaddexp", logaddexp},
                                                                               {"jnp.logical_and", logical_and},
                                                                               {"jnp.logical_or", logical_or},
                                                                               {"jnp.logical_xor", logical_xor},
                                                                               {"jnp.maximum", maximum},
                                                                               {"jnp.minimum", minimum},
                                                                               {"jnp.multiply", multiply},
                                                                               {"jnp.not_equal", not_equal},
                                                                               {"jnp.power", power},
                                                                               {"jnp.remainder", remainder},
                                                                               {"jnp.subtract", subtract},
                                                                               {"jax.scipy.special.xlogy", xlogy}};
  for (const auto& [name, function] : list) table[name] = binary(function);
}

}  // namespace

void add_elementwise(FunctionTable& table) {
  add_unary(table);
  add_binary(table);
  table["jax.lax.integer_pow"] = [](const Tensors& x, const Arguments& arguments) {
    return Tensors{integer_pow(x.at(0), static_cast<int>(arguments.config["y"].integer()))};
  };
  table["jnp.clip"] = clip_numbers;
  table["clip_arrays"] = [](const Tensors& x, const Arguments&) { return Tensors{clip(x.at(0), x.at(1), x.at(2))}; };
  table["jnp.where"] = [](const Tensors& x, const Arguments&) { return Tensors{where(x.at(0), x.at(1), x.at(2))}; };
  table["shared_subexpressions"] = shared_subexpressions;
  table["stop_gradient_product"] = [](const Tensors& x, const Arguments&) {
    return Tensors{x.at(0) * stop_gradient(x.at(0) + x.at(1)) + x.at(1)};
  };
}

}  // namespace weft::conformance
