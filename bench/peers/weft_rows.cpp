#include <weft/bench/peers/weft_case.hpp>

namespace weft::bench {

/// a . b, or with `bias` and `activation` a whole dense layer. `layout` NN, NT or TN says which operand is stored
/// transposed.
Case gemm_case(const Json& spec, Arrays& arrays, const CaseOptions& options) {
  const int64_t m = spec.at("M"), n = spec.at("N"), k = spec.at("K");
  const std::string layout = spec.value("layout", "NN"), activation = spec.value("activation", "none");
  const bool a_transposed = layout[0] == 'T', b_transposed = layout[1] == 'T', has_bias = spec.value("bias", false);
  if (activation != "none" && activation != "relu" && activation != "gelu")
    throw ValueError("activation: expected none, relu or gelu, got " + activation);
  Tensors inputs{arrays.normal("a", a_transposed ? Shape{k, m} : Shape{m, k}),
                 arrays.normal("b", b_transposed ? Shape{n, k} : Shape{k, n})};
  if (has_bias) inputs.push_back(arrays.normal("bias", {n}));
  Step step = [=](const Tensors& given) {
    Tensor a = a_transposed ? transpose(given[0]) : given[0], b = b_transposed ? transpose(given[1]) : given[1];
    Tensor out = has_bias ? linear(a, b, given[2]) : matmul(a, b);
    return Tensors{activation == "relu" ? relu(out) : activation == "gelu" ? gelu(out) : out};
  };
  Case result;
  result.run = [step = prepare(step, options), inputs] { return step(inputs); };
  result.names = {"out"};
  return result;
}

/// x [rows, features]; `fwdbwd` gives the gradients of x, scale and bias for a cotangent.
Case layer_norm_case(const Json& spec, Arrays& arrays, const CaseOptions& options) {
  const Shape shape{spec.at("rows"), spec.at("features")};
  const bool backward = spec.value("pass", "fwd") == std::string("fwdbwd");
  Tensors inputs{arrays.normal("x", shape), arrays.normal("scale", {shape[1]}), arrays.normal("bias", {shape[1]})};
  if (backward) inputs.push_back(arrays.normal("cotangent", shape));
  auto forward = [](const Tensors& x) { return Tensors{layer_norm(x[0], x[1], x[2], 1e-6)}; };
  Step step = forward;
  if (backward)
    step = [forward](const Tensors& given) {
      auto [out, pullback] = vjp(forward, {given[0], given[1], given[2]});
      Tensors results = pullback({given[3]});
      results.insert(results.begin(), out[0]);
      return results;
    };
  Case result;
  result.run = [step = prepare(step, options), inputs] { return step(inputs); };
  result.names =
      backward ? std::vector<std::string>{"out", "d_x", "d_scale", "d_bias"} : std::vector<std::string>{"out"};
  return result;
}

/// The mean loss of logits [rows, classes], and its gradient.
Case cross_entropy_case(const Json& spec, Arrays& arrays, const CaseOptions& options) {
  const int64_t rows = spec.at("rows"), classes = spec.at("classes");
  Tensors inputs{arrays.normal("logits", {rows, classes}), arrays.integers("labels", {rows}, classes)};
  Step step = [](const Tensors& given) {
    auto [loss, grads] =
        value_and_grad([&](const Tensors& x) { return mean(softmax_cross_entropy(x[0], given[1])); }, {given[0]});
    return Tensors{loss, grads[0]};
  };
  Case result;
  result.run = [step = prepare(step, options), inputs] { return step(inputs); };
  result.names = {"loss", "d_logits"};
  return result;
}

}  // namespace weft::bench
