#include <weft/bench/peers/weft_case.hpp>

namespace weft::bench {
namespace {

/// Layers with a ReLU between them.
struct Mlp {
  std::vector<Linear> layers;
  WEFT_MODULE(Mlp, layers)

  Mlp(const std::vector<int64_t>& sizes, Rngs& rngs) {
    for (size_t i = 0; i + 1 < sizes.size(); ++i)
      layers.emplace_back(LinearOptions{.in_features = sizes[i], .out_features = sizes[i + 1]}, rngs);
  }
  /// [B, sizes.front()] -> [B, sizes.back()].
  Tensor operator()(Tensor x) const {
    for (size_t i = 0; i < layers.size(); ++i) {
      x = layers[i](x);
      if (i + 1 < layers.size()) x = relu(x);
    }
    return x;
  }
};

/// A question about a picture: words look at each other, then at the cells of three strided convolutions.
struct Vqa {
  std::vector<Conv> convs;
  Embed embed;
  Param positions;
  LayerNorm self_norm, cross_norm;
  MultiHeadAttention self_attend, cross_attend;
  Linear up, down, head;
  WEFT_MODULE(Vqa, convs, embed, positions, self_norm, cross_norm, self_attend, cross_attend, up, down, head)

  static MultiHeadAttentionOptions attention_options(const Json& spec, int64_t key_features) {
    return {.query_features = spec.at("Fq"),
            .key_features = key_features,
            .num_heads = spec.at("H"),
            .head_dim = spec.at("Dh")};
  }

  Vqa(const Json& spec, Rngs& rngs)
      : embed({.num_embeddings = spec.at("vocab"), .features = spec.at("Fq")}, rngs),
        positions(zeros({spec.at("words"), spec.at("Fq")})),
        self_norm({}, rngs),
        cross_norm({}, rngs),
        self_attend(attention_options(spec, spec.at("Fq")), rngs),
        cross_attend(attention_options(spec, spec.at("channels").back()), rngs),
        up({.out_features = 4 * spec.at("Fq").get<int64_t>()}, rngs),
        down({.out_features = spec.at("Fq")}, rngs),
        head({.out_features = spec.at("answers")}, rngs) {
    for (int64_t channels : spec.at("channels"))
      convs.emplace_back(
          ConvOptions{.out_features = channels, .kernel_size = {3, 3}, .strides = {2}, .padding = Padding(1)}, rngs);
  }
  /// image [B, H, W, 3], words int32 [B, words] -> [B, answers].
  Tensor operator()(const Tensor& image, const Tensor& words) const {
    Tensor x = image;
    for (const Conv& conv : convs) x = relu(conv(x));
    x = reshape(x, {x.size(0), x.size(1) * x.size(2), x.size(3)});
    Tensor t = embed(words) + positions;
    t = t + self_attend(self_norm(t));
    t = t + cross_attend(cross_norm(t), x);
    t = t + down(gelu(up(t)));
    return head(mean(t, {1}));
  }
};

struct EncoderBlock {
  LayerNorm attend_norm, feed_norm;
  MultiHeadAttention attend;
  Linear up, down;
  Dropout drop;
  WEFT_MODULE(EncoderBlock, attend_norm, feed_norm, attend, up, down, drop)

  EncoderBlock(const Json& spec, Rngs& rngs)
      : attend_norm({}, rngs),
        feed_norm({}, rngs),
        attend({.query_features = spec.at("F"),
                .num_heads = spec.at("H"),
                .head_dim = spec.at("Dh"),
                .broadcast_dropout = false,
                .dropout_rate = spec.value("dropout", 0.0f)},
               rngs),
        up({.out_features = 4 * spec.at("F").get<int64_t>()}, rngs),
        down({.out_features = spec.at("F")}, rngs),
        drop({.rate = spec.value("dropout", 0.0)}, rngs) {}
  Tensor operator()(Tensor x) const {
    x = x + drop(attend(attend_norm(x)));
    return x + drop(down(gelu(up(feed_norm(x)))));
  }
};

/// A transformer encoder that classifies a sequence.
struct Encoder {
  Embed embed;
  Param positions;
  std::vector<EncoderBlock> blocks;
  LayerNorm norm;
  Linear head;
  WEFT_MODULE(Encoder, embed, positions, blocks, norm, head)

  Encoder(const Json& spec, Rngs& rngs)
      : embed({.num_embeddings = spec.at("vocab"), .features = spec.at("F")}, rngs),
        positions(zeros({spec.at("L"), spec.at("F")})),
        norm({}, rngs),
        head({.out_features = spec.at("answers")}, rngs) {
    for (int64_t i = 0; i < spec.at("layers").get<int64_t>(); ++i) blocks.emplace_back(spec, rngs);
  }
  /// words int32 [B, L] -> [B, answers].
  Tensor operator()(const Tensor& words) const {
    Tensor x = embed(words) + positions;
    for (const EncoderBlock& block : blocks) x = block(x);
    return head(mean(norm(x), {1}));
  }
};

/// A whole training step: forward, cross-entropy, backward, AdamW. The last input holds the labels.
template <Module M>
Case training_step(std::shared_ptr<M> model, Tensors inputs, Arrays& arrays, const auto& call,
                   const CaseOptions& options) {
  arrays.parameters(*model);
  auto optimizer = std::make_shared<Optimizer>(*model, adamw({.learning_rate = 1e-3, .weight_decay = 1e-2}));
  Step step = [model, optimizer, call](const Tensors& given) {
    auto [loss, grads] =
        value_and_grad(*model, [&] { return mean(softmax_cross_entropy(call(*model, given), given.back())); });
    optimizer->update(grads);
    return Tensors{loss};
  };
  Case result;
  result.run = [step = prepare(step, options), inputs] { return step(inputs); };
  result.names = {"loss"};
  result.check_runs = 5;
  return result;
}

}  // namespace

Case mlp_step(const Json& spec, Arrays& arrays, const CaseOptions& options) {
  const auto sizes = spec.at("sizes").get<std::vector<int64_t>>();
  const int64_t batch = spec.at("B");
  Rngs rngs(0);
  auto model = std::make_shared<Mlp>(sizes, rngs);
  Tensors inputs{arrays.normal("x", {batch, sizes.front()}), arrays.integers("labels", {batch}, sizes.back())};
  initialize(*model, inputs[0]);
  return training_step(
      model, inputs, arrays, [](const Mlp& m, const Tensors& given) { return m(given[0]); }, options);
}

Case vqa_step(const Json& spec, Arrays& arrays, const CaseOptions& options) {
  const int64_t batch = spec.at("B"), size = spec.at("image");
  Rngs rngs(0);
  auto model = std::make_shared<Vqa>(spec, rngs);
  Tensors inputs{arrays.uniform("image", {batch, size, size, 3}),
                 arrays.integers("words", {batch, spec.at("words")}, spec.at("vocab")),
                 arrays.integers("labels", {batch}, spec.at("answers"))};
  initialize(*model, inputs[0], inputs[1]);
  return training_step(
      model, inputs, arrays, [](const Vqa& m, const Tensors& given) { return m(given[0], given[1]); }, options);
}

Case encoder_step(const Json& spec, Arrays& arrays, const CaseOptions& options) {
  const int64_t batch = spec.at("B");
  Rngs rngs(0);
  auto model = std::make_shared<Encoder>(spec, rngs);
  Tensors inputs{arrays.integers("words", {batch, spec.at("L")}, spec.at("vocab")),
                 arrays.integers("labels", {batch}, spec.at("answers"))};
  initialize(*model, inputs[0]);
  return training_step(
      model, inputs, arrays, [](const Encoder& m, const Tensors& given) { return m(given[0]); }, options);
}

}  // namespace weft::bench
