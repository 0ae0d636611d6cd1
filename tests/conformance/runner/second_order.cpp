#include <memory>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/join.hpp>
#include <weft/autograd/ops/one_hot.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/autograd/ops/softmax.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/layers/flatten.hpp>
#include <weft/layers/norm.hpp>
#include <weft/layers/value_and_grad.hpp>

#include "attention_layer.hpp"
#include "calls.hpp"
#include "differentiate.hpp"
#include "models.hpp"
#include "run.hpp"

namespace weft::conformance {

namespace {

struct Softmax {
  int axis;
  WEFT_MODULE(Softmax, axis)
  explicit Softmax(int over) : axis(over) {}
};

/// A model of this family, called on the case's inputs.
struct Model {
  ModuleRef module;
  std::function<Tensor(const Inputs& in)> call;
};

template <Module T, class F> Model hold(T&& layer, F call) {
  auto held = std::make_shared<T>(std::move(layer));
  return {module_ref(*held), [held, call](const Inputs& in) { return call(*held, in); }};
}

Model model_of(const Config& config) {
  const std::string& name = config["model"].text();
  Rngs rngs(0);
  if (name == "mlp") return hold(Mlp(config), [](Mlp& mlp, const Inputs& in) { return mlp(in["in.x"]); });
  if (name == "nnx.MultiHeadAttention")
    return hold(MultiHeadAttention(attention_options(config), rngs), [](MultiHeadAttention& layer, const Inputs& in) {
      return layer(in["in.query"], in["in.key"], in["in.value"]);
    });
  if (name == "nnx.LayerNorm")
    return hold(
        LayerNorm({.num_features = config["num_features"].integer(), .epsilon = config["epsilon"].number()}, rngs),
        [](LayerNorm& norm, const Inputs& in) { return norm(in["in.x"]); });
  if (name == "jax.nn.softmax")
    return hold(Softmax(static_cast<int>(config["axis"].integer())),
                [](Softmax& layer, const Inputs& in) { return softmax(in["in.x"], layer.axis); });
  throw Unsupported("model " + name);
}

/// mean((model output - in.target)^2).
Tensor loss_of(const Model& model, const Inputs& in) { return mean(square(model.call(in) - in["in.target"])); }

/// A function of the tensors named, parameters (`param.PATH`) and inputs (`in.NAME`) alike.
weft::Function function_of(const Case& golden, const Model& model, const std::vector<std::string>& names,
                           std::function<Tensor(const Inputs&)> result) {
  const Inputs inputs(golden, {"in."});
  const std::vector<NamedCell> parameters = cells(model.module, of_type<Param>);
  return [=](const Tensors& values) {
    Inputs given = inputs;
    for (size_t i = 0; i < names.size(); ++i) {
      given.set(names[i], values[i]);
      for (const NamedCell& parameter : parameters)
        if (names[i] == "param." + parameter.path) parameter.cell->tracked = values[i];
    }
    Tensor y = result(given);
    for (const NamedCell& parameter : parameters) parameter.cell->tracked = Tensor();
    return Tensors{y};
  };
}

void run_gradient_norm(Check& check) {
  const Model model = model_of(check.config());
  run_layer(check, model.module, [&](const Inputs& in) {
    auto [loss, gradients] = value_and_grad(
        std::vector<ModuleRef>{model.module}, [&] { return loss_of(model, in); }, GradOptions{});
    Tensor total;
    for (const Tensor& gradient : gradients[0].values()) {
      const Tensor part = sum(square(gradient));
      total = total.defined() ? total + part : part;
    }
    return Named{{"loss", loss}, {"grad_norm_squared", total}};
  });
}

void run_hessian_vector(Check& check) {
  const Case& golden = check.golden();
  const Model model = model_of(check.config());
  load_parameters(golden, model.module);
  std::vector<std::string> names;
  Tensors values, vectors;
  for (const auto& [name, vector] : golden.under("vector.")) {
    names.push_back(name);
    values.push_back(golden[name]);
    vectors.push_back(vector);
  }
  const weft::Function loss = function_of(golden, model, names, [&](const Inputs& in) { return loss_of(model, in); });
  const Tensors products = grad(
      [&](const Tensors& at) {
        const Tensors gradients = grad([&](const Tensors& x) { return loss(x)[0]; }, at);
        Tensor total;
        for (size_t i = 0; i < gradients.size(); ++i) {
          const Tensor part = sum(gradients[i] * vectors[i]);
          total = total.defined() ? total + part : part;
        }
        return total;
      },
      values);
  for (size_t i = 0; i < names.size(); ++i) check.equal("hvp." + names[i], products[i]);
}

void run_forward_mode(Check& check) {
  const Case& golden = check.golden();
  const Model model = model_of(check.config());
  run_layer(check, model.module, [&](const Inputs& in) { return Named{{"y", model.call(in)}}; });
  std::vector<std::string> names;
  Tensors values, tangents;
  for (const auto& [name, tangent] : golden.under("tangent.")) {
    if (name == "out.y") continue;
    names.push_back(name);
    values.push_back(golden[name]);
    tangents.push_back(tangent);
  }
  auto [outputs, moved] = jvp(function_of(golden, model, names, model.call), values, tangents);
  check.equal("out.y", outputs[0]);
  check.equal("tangent.out.y", moved[0]);
}

void run_gradient_penalty(Check& check) {
  const Model model = model_of(check.config());
  run_layer(check, model.module, [&](const Inputs& in) {
    const Tensor slope = grad(std::function<Tensor(const Tensor&)>([&](const Tensor& x) {
                                Inputs given = in;
                                given.set("in.x", x);
                                return sum(model.call(given));
                              }),
                              in["in.x"]);
    return Named{{"penalty", mean(square(norm(slope, -1) - 1))}};
  });
}

using VectorFunction = std::function<Tensor(const Tensor&)>;

/// [outputs, inputs] of a function of one vector.
Tensor jacobian(const VectorFunction& function, const Tensor& x) {
  VjpResult result = vjp([&](const Tensors& in) { return Tensors{function(in[0])}; }, {x});
  result.pullback.retain = true;
  const int64_t outputs = result.outputs[0].elements();
  Tensors rows;
  for (int64_t i = 0; i < outputs; ++i)
    rows.push_back(result.pullback({one_hot(Tensor(i).to(x.device()), outputs)})[0]);
  return stack(rows);
}

VectorFunction gradient_of(const VectorFunction& function) {
  return [=](const Tensor& x) { return grad(std::function<Tensor(const Tensor&)>(function), x); };
}

void run_hessian(Check& check) {
  check.config().require_text("function", "sum over i of 4 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2");
  const Tensor x = check.golden()["in.x"];
  const VectorFunction rosenbrock = [](const Tensor& at) {
    const int64_t n = at.elements();
    const Tensor here = slice_axis(at, 0, 0, n - 1), next = slice_axis(at, 0, 1, n);
    return sum(4 * square(next - square(here)) + square(1 - here));
  };
  check.equal("out.value", rosenbrock(x));
  check.equal("out.gradient", gradient_of(rosenbrock)(x));
  check.equal("out.hessian", jacobian(gradient_of(rosenbrock), x));
  check.equal("out.logsumexp_hessian", jacobian(gradient_of([](const Tensor& at) { return logsumexp(at); }), x));
}

void run_jacobian(Check& check) {
  const Case& golden = check.golden();
  const Model model = model_of(check.config());
  load_parameters(golden, model.module);
  const Tensor x = golden["in.x"];
  const VectorFunction call = [&](const Tensor& at) { return model.call(Inputs(Named{{"in.x", at}})); };
  check.equal("out.y", call(x));
  check.equal("out.jacobian", jacobian(call, x));
  check.equal("out.softmax_jacobian", jacobian([](const Tensor& at) { return softmax(at); }, x));
}

void run_derivatives(Check& check) {
  const Case& golden = check.golden();
  const Config none = Config::parse("{}");
  const Arguments no_arguments{none, golden};
  for (const auto& [name, function] : check.config()["functions"].entries()) {
    auto found = functions().find(function.text());
    if (found == functions().end()) throw Unsupported("function " + function.text());
    const Function& of_many = found->second;
    VectorFunction derivative = [&](const Tensor& x) { return of_many({x}, no_arguments)[0]; };
    const std::string base = name;
    for (int64_t order : check.config()["orders"].shape()) {
      if (order > 0) {
        const VectorFunction before = derivative;
        derivative = gradient_of([before](const Tensor& x) { return sum(before(x)); });
      }
      check.equal("out." + base + "." + std::to_string(order), derivative(golden["in." + base]));
    }
  }
}

}  // namespace

void add_second_order(RunnerTable& table) {
  table["second_order.gradient_norm"] = run_gradient_norm;
  table["second_order.hessian_vector"] = run_hessian_vector;
  table["second_order.forward_mode"] = run_forward_mode;
  table["second_order.gradient_penalty"] = run_gradient_penalty;
  table["second_order.hessian"] = run_hessian;
  table["second_order.jacobian"] = run_jacobian;
  table["second_order.derivatives"] = run_derivatives;
}

}  // namespace weft::conformance
