// A tour of Weft in one file: an attention layer over inputs of different widths, a layer of one's own, a training
// loop, state, a gradient of one's own, xtensor. It learns to name what each camera cell sees by asking the lidar, and
// exits with 1 when it does not.

#include <filesystem>
#include <iostream>

#include <weft/examples/quickstart/scenes.hpp>
#include <weft/weft.hpp>
#include <weft/xtensor.hpp>  // apart: xtensor never comes in through weft.hpp

using namespace weft;
using namespace weft::examples::quickstart;

namespace {

// A layer of one's own: a plain struct whose members are the registry. No base class, no virtual, no holder.
struct Fusion {
  Linear embed;
  MultiHeadAttention attend;
  LayerNorm norm;
  WEFT_MODULE(Fusion, embed, attend, norm)  // one line: names, paths, state, clone, display

  explicit Fusion(Rngs& rngs)
      : embed({.out_features = 64}, rngs),  // input sizes come from the data
        attend({.num_heads = 4, .head_dim = 16}, rngs),
        norm({}, rngs) {}

  Tensor operator()(const Tensor& camera, const Tensor& lidar) {
    Scope scope(*this);  // gives errors, tables and hooks their path
    Tensor x = embed(camera);
    return norm(x + attend(x, lidar, lidar));
  }
};

// Layers nest: the parameters are `fuse.attend.query.kernel`, ..., `classify.bias`.
struct Model {
  Fusion fuse;
  Linear classify;
  WEFT_MODULE(Model, fuse, classify)

  explicit Model(Rngs& rngs) : fuse(rngs), classify({.out_features = kinds}, rngs) {}

  /// camera [B, L1, 24], lidar [B, L2, 40] -> logits [B, L1, kinds].
  Tensor operator()(const Tensor& camera, const Tensor& lidar) {
    Scope scope(*this);
    return classify(fuse(camera, lidar));
  }
};

void attention_layer() {
  // Queries are 256 wide, keys and values 512 wide; sizes left out are inferred when the network is built.
  Rngs rngs(0);
  MultiHeadAttention attention({.query_features = 256, .key_features = 512, .num_heads = 8, .head_dim = 64}, rngs);
  Tensor query = normal({2, 3, 256}, rngs.next()), key = normal({2, 5, 512}, rngs.next()), value = key;
  Tensor out = attention(query, key, value);  // [batch..., query length, out_features = 256]
  std::cout << "attention over 256 and 512 features: " << to_string(out.shape()) << "\n\n";
}

double accuracy_of(Model& model, const Scenes& scenes) {
  Accuracy accuracy;
  DataLoader loader(scenes, {.batch_size = 64});
  for (auto& batch : loader) accuracy.update(model(batch.camera, batch.lidar), batch.label);
  return accuracy.compute();
}

/// Returns the share of camera cells of new scenes that are named right.
double train_and_keep(const std::string& folder) {
  Scenes training{1024, 1}, testing{256, 2};
  DataLoader loader(training, {.batch_size = 32, .shuffle = true, .seed = 3});
  Batch first = loader.batch_at(0, 0);

  Rngs rngs(0);
  Model model(rngs);
  initialize(model, first.camera, first.lidar);                     // shape rules only, then parameters are filled
  std::cout << tabulate(model, first.camera, first.lidar) << '\n';  // per row: path, shapes, parameters, FLOPs, bytes

  constexpr int64_t epochs = 6;
  Optimizer optimizer(
      model, chain(clip_by_global_norm(1.0),
                   adamw({.learning_rate = warmup_cosine_decay(
                              {.peak_value = 1e-2, .warmup_steps = 20, .decay_steps = epochs * loader.size()})})));
  auto train_step = jit([&](const Tensor& camera, const Tensor& lidar, const Tensor& label) {
    auto [loss, grads] =
        value_and_grad(model, [&] { return mean(softmax_cross_entropy(model(camera, lidar), label)); });
    optimizer.update(grads);
    return loss;
  });  // the first call traces; later calls replay a fused, preallocated plan
  for (int64_t epoch = 1; epoch <= epochs; ++epoch) {
    auto batches = progress(loader, "epoch " + std::to_string(epoch));
    for (auto& batch : batches) batches.set("loss", train_step(batch.camera, batch.lidar, batch.label).item());
  }

  // State is data: look at it, filter it, save it, put it back.
  auto [graph, params, rest] = split(model, of_type<Param>, everything);
  std::cout << "\nparameters: " << params.size() << " arrays, " << num_parameters(model)
            << " numbers; other state: " << rest.size() << '\n'
            << to_string(params.filter(path_glob("fuse.attend.query.*"))) << '\n';
  Model merged = merge(graph, params, rest);

  save_checkpoint(folder, {.model = model, .optimizer = optimizer, .rngs = rngs, .loader = loader.state()});
  Rngs other_rngs(99);
  Model loaded(other_rngs);
  initialize(loaded, first.camera, first.lidar);
  CheckpointInfo info = load_checkpoint(folder, {.model = loaded});

  double accuracy = accuracy_of(model, testing);
  if (accuracy_of(merged, testing) != accuracy || accuracy_of(loaded, testing) != accuracy)
    throw StateError("quickstart: expected the merged and the loaded model to be the trained one");
  std::cout << "checkpoint of step " << info.step << " in " << folder << '\n';
  return accuracy;
}

/// x^2 with a gradient that is cut to [-1, 1]; returns it at x = 3.
double gradient_of_ones_own() {
  auto forward = [](const Tensors& inputs) { return ForwardResult{{square(inputs[0])}, {inputs[0]}}; };
  auto backward = [](const Tensors& residuals, const Tensors& cotangents) {
    return Tensors{clip(2.0 * residuals[0] * cotangents[0], -1.0, 1.0)};
  };
  Tensor x = Tensor::from(std::vector<float>{0.25f, 3.0f}, {2});
  Tensor slope = grad([&](const Tensor& at) { return sum(custom_vjp(forward, backward)({at})[0]); }, x);
  std::cout << "\nclipped gradient of x^2 at " << x << ": " << slope << '\n';
  return slope[{1}].item();
}

/// The array language around Weft is xtensor; returns the sum of two softmax rows.
double with_xtensor() {
  xt::xarray<float> image = xt::ones<float>({2, 3});
  Tensor borrowed = borrow_xtensor(image);  // zero-copy: what is written into one is seen in the other
  image(1, 2) = 5;
  Tensor t = softmax(from_xtensor(std::move(image)));  // adopts; (const&) copies
  auto view = as_xtensor<float>(t);                    // views a CPU tensor
  double total = xt::sum(view)();
  std::cout << "softmax:\n" << t << "\nits sum by xtensor: " << total << '\n';
  return total;
}

}  // namespace

int main(int argc, char** argv) try {
  constexpr double bound = 0.98;
  auto folder = argc > 1 ? std::filesystem::path(argv[1]) : std::filesystem::temp_directory_path() / "weft-quickstart";
  attention_layer();
  double accuracy = train_and_keep((folder / "step-final").string());
  bool clipped = gradient_of_ones_own() == 1.0;
  bool bridged = std::abs(with_xtensor() - 2.0) < 1e-5;
  std::cout << "\naccuracy on new scenes: " << accuracy << ", bound: " << bound << '\n';
  return accuracy >= bound && clipped && bridged ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
