// Whole short trainings: the models are put together from Weft's layers, as a user would.

#include <algorithm>

#include <weft/autograd/ops/activation.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/global_norm.hpp>
#include <weft/autograd/ops/join.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/layers/batch_norm.hpp>
#include <weft/layers/embed.hpp>
#include <weft/layers/graph.hpp>
#include <weft/layers/gru.hpp>
#include <weft/layers/norm.hpp>
#include <weft/layers/rnn.hpp>
#include <weft/layers/value_and_grad.hpp>
#include <weft/training/losses.hpp>
#include <weft/training/optimizer.hpp>

#include "attention_layer.hpp"
#include "convolution.hpp"
#include "differentiate.hpp"
#include "models.hpp"
#include "optimizer_config.hpp"
#include "run.hpp"

namespace weft::conformance {

namespace {

/// The layers of a training case, by their paths.
class Layers {
 public:
  explicit Layers(const Config& config) : config_(config["layers"]) {}

  Linear linear(const std::string& path) {
    const Config& c = of(path, "nnx.Linear");
    return Linear({.in_features = c["in_features"].integer(),
                   .out_features = c["out_features"].integer(),
                   .use_bias = c.flag("use_bias", true)},
                  rngs_);
  }
  LayerNorm layer_norm(const std::string& path) {
    const Config& c = of(path, "nnx.LayerNorm");
    return LayerNorm({.num_features = c["num_features"].integer(), .epsilon = c["epsilon"].number()}, rngs_);
  }
  RMSNorm rms_norm(const std::string& path) {
    const Config& c = of(path, "nnx.RMSNorm");
    return RMSNorm({.num_features = c["num_features"].integer(), .epsilon = c["epsilon"].number()}, rngs_);
  }
  RNN<GRUCell> gru(const std::string& path) {
    const Config& c = of(path, "nnx.RNN");
    c.require_text("cell", "GRUCell");
    return RNN(
        GRUCell({.in_features = c["in_features"].integer(), .hidden_features = c["hidden_features"].integer()}, rngs_));
  }
  BatchNorm batch_norm(const std::string& path) {
    const Config& c = of(path, "nnx.BatchNorm");
    return BatchNorm({.num_features = c["num_features"].integer(),
                      .momentum = c["momentum"].number(),
                      .epsilon = c["epsilon"].number(),
                      .use_running_average = c["use_running_average"].flag()},
                     rngs_);
  }
  Conv conv(const std::string& path) { return Conv(convolution_options(of(path, "nnx.Conv")), rngs_); }
  Embed embed(const std::string& path) {
    const Config& c = of(path, "nnx.Embed");
    return Embed({.num_embeddings = c["num_embeddings"].integer(), .features = c["features"].integer()}, rngs_);
  }
  MultiHeadAttention attention(const std::string& path) {
    return MultiHeadAttention(attention_options(of(path, "nnx.MultiHeadAttention")), rngs_);
  }
  Param param(const std::string& path) { return Param(zeros(of(path, "nnx.Param")["shape"].shape())); }

 private:
  const Config& of(const std::string& path, const std::string& type) {
    config_[path].require_text("type", type);
    return config_[path];
  }
  const Config& config_;
  Rngs rngs_{0};
};

struct CrossAttention {
  MultiHeadAttention attention;
  Linear fc1, fc2, head;
  LayerNorm norm_context, norm_mlp, norm_query;
  WEFT_MODULE(CrossAttention, attention, fc1, fc2, head, norm_context, norm_mlp, norm_query)

  explicit CrossAttention(Layers layers)
      : attention(layers.attention("attention")),
        fc1(layers.linear("fc1")),
        fc2(layers.linear("fc2")),
        head(layers.linear("head")),
        norm_context(layers.layer_norm("norm_context")),
        norm_mlp(layers.layer_norm("norm_mlp")),
        norm_query(layers.layer_norm("norm_query")) {}

  static std::vector<std::string> description() {
    return {"h = query + attention(norm_query(query), key = value = norm_context(context), mask = mask)",
            "h = h + fc2(gelu(fc1(norm_mlp(h))))   (gelu with the tanh approximation)",
            "logits = head(mean of h over the length axis)"};
  }
  Tensor operator()(const Inputs& in) const {
    const Tensor& query = in["in.query"];
    Tensor h =
        query + attention(norm_query(query), norm_context(in["in.context"]), AttentionCall{.mask = in["in.mask"]});
    h = h + fc2(gelu(fc1(norm_mlp(h))));
    return head(mean(h, 1));
  }
};

struct VisualQuestion {
  MultiHeadAttention attention;
  BatchNorm bn1, bn2;
  Conv conv1, conv2;
  Embed embed;
  Linear fc1, fc2, head;
  LayerNorm norm1, norm2;
  Param position;
  WEFT_MODULE(VisualQuestion, attention, bn1, bn2, conv1, conv2, embed, fc1, fc2, head, norm1, norm2, position)

  explicit VisualQuestion(Layers layers)
      : attention(layers.attention("attention")),
        bn1(layers.batch_norm("bn1")),
        bn2(layers.batch_norm("bn2")),
        conv1(layers.conv("conv1")),
        conv2(layers.conv("conv2")),
        embed(layers.embed("embed")),
        fc1(layers.linear("fc1")),
        fc2(layers.linear("fc2")),
        head(layers.linear("head")),
        norm1(layers.layer_norm("norm1")),
        norm2(layers.layer_norm("norm2")),
        position(layers.param("position")) {}

  static std::vector<std::string> description() {
    return {
        "x = relu(bn1(conv1(image))); x = relu(bn2(conv2(x)))   (batch norm in training mode)",
        "x = x with its two space axes flattened, row by row: (batch, positions, channels)",
        "h = embed(question) + position",
        "h = h + attention(norm1(h), key = value = x)",
        "h = h + fc2(gelu(fc1(norm2(h))))   (gelu with the tanh approximation)",
        "logits = head(mean of h over the word axis)",
    };
  }
  Tensor operator()(const Inputs& in) const {
    Tensor x = relu(bn1(conv1(in["in.image"])));
    x = flatten(relu(bn2(conv2(x))), 1, 2);
    Tensor h = embed(in["in.question"]) + position;
    h = h + attention(norm1(h), x);
    h = h + fc2(gelu(fc1(norm2(h))));
    return head(mean(h, 1));
  }
};

struct SensorFusion {
  MultiHeadAttention attention;
  RNN<GRUCell> encoder;
  Linear head;
  RMSNorm norm;
  WEFT_MODULE(SensorFusion, attention, encoder, head, norm)

  explicit SensorFusion(Layers layers)
      : attention(layers.attention("attention")),
        encoder(layers.gru("encoder")),
        head(layers.linear("head")),
        norm(layers.rms_norm("norm")) {}

  static std::vector<std::string> description() {
    return {"h = encoder(imu)   (every step's output; the carry starts at zero)",
            "h = h + attention(h, key = value = lidar)", "prediction = head(norm(h at the last step))"};
  }
  Tensor operator()(const Inputs& in) const {
    Tensor h = encoder(in["in.imu"]);
    h = h + attention(h, in["in.lidar"]);
    return head(norm(h[{slice(), -1}]));
  }
};

void require_description(const Config& config, const std::vector<std::string>& known) {
  std::vector<std::string> lines;
  for (const Config& line : config["forward"].items()) lines.push_back(line.text());
  if (lines != known) throw Unsupported("option forward: another model than the one known by that name");
}

using Predictions = std::function<Tensor(const Inputs& batch)>;

Tensor classification_loss(const Tensor& logits, const Inputs& batch) {
  return mean(softmax_cross_entropy(logits, batch["in.labels"]));
}
Tensor regression_loss(const Tensor& prediction, const Inputs& batch) {
  return mean(huber_loss(prediction, batch["in.target"]));
}

/// The loss that is told in these words.
auto loss_of(const Config& config) {
  const std::string& words = config["loss"].text();
  if (words == "mean over the batch of softmax_cross_entropy_with_integer_labels(logits, labels)")
    return classification_loss;
  if (words == "mean over batch and outputs of huber_loss(prediction, target) with delta 1") return regression_loss;
  throw Unsupported("loss " + words);
}

void train(Check& check, const ModuleRef& model, const Predictions& predict) {
  const Case& golden = check.golden();
  const Config& config = check.config();
  const auto loss_function = loss_of(config);
  std::vector<std::string> batch_inputs, unchecked;
  for (const Config& name : config["batch_inputs"].items()) batch_inputs.push_back("in." + name.text());
  for (const Config& name : config["unchecked_params"].items()) unchecked.push_back(name.text());
  load_parameters(golden, model);
  load_state(golden, model);
  Optimizer optimizer(cells(model, of_type<Param>), transform_of(config["optimizer"]));

  Tensors losses, norms;
  const int64_t steps = config["steps"].integer();
  for (int64_t step = 0; step < steps; ++step) {
    Inputs batch;
    for (const std::string& name : batch_inputs) batch.set(name, golden[name][{step}]);
    auto [loss, gradients] = value_and_grad(
        std::vector<ModuleRef>{model}, [&] { return loss_function(predict(batch), batch); }, GradOptions{});
    if (step == 0)
      for (auto [path, value, kind] : gradients[0]) check.equal("grad.param." + path, value);
    losses.push_back(loss);
    norms.push_back(global_norm(gradients[0].values()));
    optimizer.update(gradients[0]);
  }
  check.equal("out.loss", stack(losses));
  check.equal("out.grad_norm", stack(norms));
  for (auto [path, value, kind] : state(model, everything)) {
    if (kind->is(Param::kind())) {
      if (std::find(unchecked.begin(), unchecked.end(), path) == unchecked.end())
        check.equal("out.param." + path, value);
    } else {
      check.equal("new_state." + path, value);
    }
  }
}

void run_mlp(Check& check) {
  const Config& config = check.config();
  require_description(config, {"h = x; for i in 0..1: h = relu(layers.i(h))", "logits = layers.2(h)"});
  Mlp mlp(config);
  if (mlp.layers.size() != 3 || mlp.activation != "relu") throw Unsupported("an mlp unlike its description");
  Layers layers(config);
  for (size_t i = 0; i < mlp.layers.size(); ++i) mlp.layers[i] = layers.linear("layers." + std::to_string(i));
  train(check, module_ref(mlp), [&](const Inputs& batch) { return mlp(batch["in.x"]); });
}

template <Module T> void run_model(Check& check) {
  require_description(check.config(), T::description());
  // Sizes, which the layers' arguments say again.
  for (const char* size :
       {"classes", "context_features", "query_features", "hidden_features", "num_heads", "qkv_features", "answers",
        "channels", "vocabulary", "word_features", "words", "momentum", "imu_features", "lidar_features", "outputs"})
    check.config().ignore(size);
  T model{Layers(check.config())};
  train(check, module_ref(model), [&](const Inputs& batch) { return model(batch); });
}

void run_training(Check& check) {
  const std::string& model = check.config()["model"].text();
  if (model == "mlp") return run_mlp(check);
  if (model == "cross_attention") return run_model<CrossAttention>(check);
  if (model == "visual_question") return run_model<VisualQuestion>(check);
  if (model == "sensor_fusion") return run_model<SensorFusion>(check);
  throw Unsupported("model " + model);
}

}  // namespace

void add_training(RunnerTable& table) { table["training"] = run_training; }

}  // namespace weft::conformance
