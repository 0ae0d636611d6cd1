#include <optional>

#include <weft/bench/peers/weft_case.hpp>

namespace weft::bench {
namespace {

Causal causal_of(const Json& value) {
  if (value.is_string()) {
    if (value == "top_left") return Causal::top_left;
    if (value == "bottom_right") return Causal::bottom_right;
    throw ValueError("causal: expected true, false, top_left or bottom_right, got " + value.dump());
  }
  return value.get<bool>() ? Causal::top_left : Causal::none;
}

}  // namespace

/// Query [B, Lq, H, D], key [B, Lkv, Hkv, D], value [B, Lkv, Hkv, Dv]; `fwdbwd` gives the gradients of all three for a
/// cotangent.
Case sdpa_case(const Json& spec, Arrays& arrays, const CaseOptions& case_options) {
  const int64_t batch = spec.at("B"), heads = spec.at("H"), lq = spec.at("Lq"), lkv = spec.at("Lkv"), d = spec.at("D");
  const int64_t kv_heads = spec.value("Hkv", heads), dv = spec.value("Dv", d);
  const bool backward = spec.value("pass", "fwd") == std::string("fwdbwd");

  AttentionOptions options;
  options.causal = causal_of(spec.value("causal", Json(false)));
  if (spec.contains("window")) {
    options.window_left = spec.at("window").get<int64_t>();
    if (options.causal == Causal::none) options.window_right = options.window_left;
  }
  options.dropout_rate = spec.value("dropout", 0.0);
  options.dropout_broadcast = false;

  // Masks are arguments, not constants: peers are given them anew at every call as well.
  Tensors inputs{arrays.normal("query", {batch, lq, heads, d}), arrays.normal("key", {batch, lkv, kv_heads, d}),
                 arrays.normal("value", {batch, lkv, kv_heads, dv}), Tensor()};
  if (backward) inputs[3] = arrays.normal("cotangent", {batch, lq, heads, dv});
  else inputs.pop_back();
  auto add = [&](const Tensor& tensor) {
    inputs.push_back(tensor);
    return inputs.size() - 1;
  };
  size_t lengths = 0, mask = 0, bias = 0;
  if (spec.contains("lengths")) lengths = add(arrays.given("lengths", spec.at("lengths").get<std::vector<int32_t>>()));
  if (spec.value("mask", false)) mask = add(arrays.booleans("mask", {batch, 1, lq, lkv}, 0.8));
  if (spec.value("bias", false)) bias = add(arrays.normal("bias", {1, heads, lq, lkv}));

  auto random = std::make_shared<Rngs>(7);
  auto options_for = [=](const Tensors& given) {
    AttentionOptions call = options;
    if (lengths) call.key_lengths = given[lengths];
    if (mask) call.mask = given[mask];
    if (bias) call.bias = given[bias];
    if (call.dropout_rate > 0) call.dropout_key = random->next();
    return call;
  };
  Step step;
  if (!backward) {
    step = [=](const Tensors& given) { return Tensors{attention(given[0], given[1], given[2], options_for(given))}; };
  } else {
    step = [=](const Tensors& given) {
      const AttentionOptions call = options_for(given);
      auto [out, pullback] = vjp([&](const Tensors& x) { return Tensors{attention(x[0], x[1], x[2], call)}; },
                                 {given[0], given[1], given[2]});
      Tensors results = pullback({given[3]});
      results.insert(results.begin(), out[0]);
      return results;
    };
  }
  Case result;
  result.run = [step = prepare(step, case_options), inputs] { return step(inputs); };
  result.names =
      backward ? std::vector<std::string>{"out", "d_query", "d_key", "d_value"} : std::vector<std::string>{"out"};
  return result;
}

/// The whole layer, query [B, Lq, Fq] and keys [B, Lkv, Fkv]; `fwdbwd` gives the gradient of mean(out^2) with respect
/// to every parameter.
Case mha_case(const Json& spec, Arrays& arrays, const CaseOptions& case_options) {
  const int64_t batch = spec.at("B"), lq = spec.at("Lq"), lkv = spec.at("Lkv"), fq = spec.at("Fq"),
                fkv = spec.at("Fkv");
  Rngs rngs(0);
  auto layer = std::make_shared<MultiHeadAttention>(
      MultiHeadAttentionOptions{
          .query_features = fq, .key_features = fkv, .num_heads = spec.at("H"), .head_dim = spec.at("Dh")},
      rngs);
  Tensors inputs{arrays.normal("query", {batch, lq, fq}), arrays.normal("key", {batch, lkv, fkv})};
  initialize(*layer, inputs[0], inputs[1]);
  arrays.parameters(*layer);

  Case result;
  Step step;
  if (spec.value("pass", "fwd") == std::string("fwdbwd")) {
    step = [layer](const Tensors& given) {
      auto [loss, grads] = value_and_grad(*layer, [&] { return mean(square((*layer)(given[0], given[1]))); });
      Tensors results{loss};
      for (const Tensor& grad : grads.values()) results.push_back(grad);
      return results;
    };
    result.names = {"loss"};
    for (const NamedCell& cell : cells(*layer, of_type<Param>)) result.names.push_back("grad." + cell.path);
  } else {
    step = [layer](const Tensors& given) { return Tensors{(*layer)(given[0], given[1])}; };
    result.names = {"out"};
  }
  result.run = [step = prepare(step, case_options), inputs] { return step(inputs); };
  return result;
}

}  // namespace weft::bench
