// mha_float64.json: nnx.MultiHeadAttention in float64, with inputs and parameters given by a formula.

#include <cmath>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/core/file.hpp>
#include <weft/layers/graph.hpp>
#include <weft/layers/value_and_grad.hpp>

#include "attention_layer.hpp"
#include "differentiate.hpp"
#include "run.hpp"

namespace weft::conformance {

namespace {

using Element = std::function<double(int64_t)>;

Tensor filled(const Shape& shape, const Element& element) {
  std::vector<double> values;
  for (int64_t i = 0; i < shape.elements(); ++i) values.push_back(element(i));
  return Tensor::from(values, shape);
}

/// amp * sin(freq * i + phase), at element i in row-major order.
Tensor wave(const Shape& shape, const Config& fill, double phase) {
  const double amp = fill["amp"].number(), freq = fill["freq"].number();
  return filled(shape, [=](int64_t i) { return amp * std::sin(freq * static_cast<double>(i) + phase); });
}

Tensor numbers(const Config& list, const Shape& shape) { return Tensor::from(list.numbers(), shape); }

Shape join(Shape shape, std::initializer_list<int64_t> more) {
  for (int64_t extent : more) shape.push_back(extent);
  return shape;
}

/// The masks of the file, by its names for them; true means: may attend.
Tensor mask_of(const std::string& name, const Shape& batch, int64_t queries, int64_t keys) {
  Shape shape{queries, keys};
  std::function<bool(int64_t, int64_t, int64_t)> allowed;  // batch entry, query, key
  if (name == "pad") {
    if (batch.rank() != 1) throw Unsupported("mask pad with other than one batch axis");
    shape = {batch[0], 1, 1, keys};
    allowed = [=](int64_t entry, int64_t, int64_t key) { return key < keys - entry % 2 - 1; };
  } else if (name == "causal") {
    allowed = [](int64_t, int64_t query, int64_t key) { return key <= query; };
  } else if (name == "row0") {
    allowed = [](int64_t, int64_t query, int64_t) { return query != 0; };
  } else {
    throw Unsupported("mask " + name);
  }
  Tensor mask = Tensor::empty(shape, boolean, "cpu");
  const int64_t rows = shape[shape.rank() - 2];
  for (int64_t i = 0; i < shape.elements(); ++i)
    mask.mutable_data<bool>()[i] = allowed(i / (rows * keys), i / keys % rows, i % keys);
  return mask.to(default_device());
}

State parameters(const MultiHeadAttention& attention, const Config& file) {
  return state(attention, of_type<Param>).map([&](const std::string& path, const Tensor& value) {
    if (path == "query_ln.scale" || path == "key_ln.scale") {
      const double phase = path == "query_ln.scale" ? 0.5 : 0.6;
      return filled(value.shape(), [=](int64_t i) { return 1 + 0.1 * std::sin(1.1 * static_cast<double>(i) + phase); });
    }
    const bool kernel = path.find("kernel") != std::string::npos;
    return wave(value.shape(), file[kernel ? "kernel_fill" : "bias_fill"], file["param_phase"][path].number());
  });
}

void run_one(Check& check, const Config& file, const Config& config) {
  const Shape batch = config["batch"].shape();
  const int64_t queries = config["T"].integer(), keys = config["S"].integer();
  MultiHeadAttentionOptions options = attention_options(config);
  options.param_dtype = float64;
  Rngs rngs(0);
  MultiHeadAttention attention(options, rngs);
  update(attention, parameters(attention, file), {.only = of_type<Param>});

  const Config& phase = file["input_fill"]["phase"];
  const Tensors inputs{wave(join(batch, {queries, options.query_features}), file["input_fill"], phase["q"].number()),
                       wave(join(batch, {keys, options.key_features}), file["input_fill"], phase["k"].number()),
                       wave(join(batch, {keys, options.value_features}), file["input_fill"], phase["v"].number())};
  AttentionCall call;
  if (config.has("mask")) call.mask = mask_of(config["mask"].text(), batch, queries, keys);
  AttentionOutput result;
  auto loss_of = [&](const Tensors& in) {
    result = attention.with_weights(in[0], in[1], in[2], call);
    return sum(result.out *
               filled(result.out.shape(), [](int64_t i) { return std::cos(0.3 * static_cast<double>(i)); }));
  };

  auto [loss, gradients] = value_and_grad(attention, [&] { return loss_of(inputs); });
  check.equal("out", result.out, numbers(config["out"], config["out_shape"].shape()));
  check.equal("weights", result.weights, numbers(config["weights"], config["weights_shape"].shape()));
  check.equal("loss", loss, Tensor(config["loss"].number()));
  for (auto [path, value, kind] : gradients)
    check.equal("grad_params " + path, value, numbers(config["grad_params"][path], value.shape()));
  const Tensors input_gradients = grad(ScalarFunction(loss_of), inputs);
  static const char* const names[] = {"grad_q", "grad_k", "grad_v"};
  for (size_t i = 0; i < 3; ++i)
    check.equal(names[i], input_gradients[i], numbers(config[names[i]], inputs[i].shape()));
  // The same without the weights, by the kernel that makes none.
  check.equal("out alone", attention(inputs[0], inputs[1], inputs[2], call), result.out);
}

}  // namespace

std::vector<Outcome> run_attention_float64(const std::string& path, const std::string& filter) {
  const Config file = Config::parse(read_file(path));
  std::vector<Outcome> outcomes;
  for (const Config& config : file["cases"].items()) {
    Case golden;
    golden.family = "mha_float64";
    golden.name = "mha_float64/" + config["name"].text();
    golden.tolerance = {0, 1e-10};
    if (golden.name.find(filter) == std::string::npos) continue;
    Check check(golden);
    guard(
        check, [&] { run_one(check, file, config); }, [&] { return config.unread(); });
    outcomes.push_back(check.outcome());
  }
  return outcomes;
}

}  // namespace weft::conformance
