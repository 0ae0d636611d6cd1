// A layer from outside the tree, with a kind of Variable of its own, in a small training. Exits with 1 when the
// training does not reach its bound.

#include <iostream>
#include <numbers>

#include <weft/weft.hpp>

using namespace weft;

namespace {

/// State that is saved and cloned with a model, and that no optimizer touches.
struct Frozen : VariableOf<Frozen> {
  static constexpr std::string_view kind_name = "frozen";
  using VariableOf::VariableOf;
};

struct FourierFeaturesOptions {
  int64_t in_features = inferred;
  int64_t num_frequencies = 64;
  double scale = 1;  ///< standard deviation of the frequencies
};

/// [cos(2 pi x B), sin(2 pi x B)] with fixed random frequencies B [in, frequencies] (Tancik et al. 2020):
/// x [batch..., in] -> [batch..., 2 frequencies].
struct FourierFeatures {
  Frozen frequencies;  ///< [in, frequencies]
  int64_t in_features, num_frequencies;
  WEFT_MODULE(FourierFeatures, frequencies, in_features, num_frequencies)

  FourierFeatures(const FourierFeaturesOptions& options, Rngs& rngs)
      : frequencies(initializers::normal(options.scale), rngs.params()),
        in_features(options.in_features),
        num_frequencies(options.num_frequencies) {}

  /// Throws ShapeError for other features.
  Tensor operator()(const Tensor& x) const {
    Scope scope(*this);
    if (in_features != inferred) check_features(x, in_features);
    frequencies.resolve({x.size(-1), num_frequencies});  // the first input decides; later ones are held to it
    Tensor angles = matmul(x, frequencies) * (2 * std::numbers::pi);
    return concatenate({cos(angles), sin(angles)}, -1);
  }
};

/// Plain members nest; a std::vector of layers is one as well.
struct Regressor {
  FourierFeatures features;
  std::vector<Linear> hidden;
  Linear out;
  WEFT_MODULE(Regressor, features, hidden, out)

  explicit Regressor(Rngs& rngs) : features({.scale = 0.8}, rngs), out({.out_features = 1}, rngs) {
    for (int i = 0; i < 2; ++i) hidden.emplace_back(LinearOptions{.out_features = 32}, rngs);
  }

  Tensor operator()(const Tensor& x) const {
    Scope scope(*this);
    Tensor y = features(x);
    for (const Linear& layer : hidden) y = gelu(layer(y));
    return squeeze(out(y), -1);
  }
};

/// Something with ripples: x [n, 2] -> [n].
Tensor target(const Tensor& x) { return sin(7.0 * x[{ellipsis, 0}]) * cos(5.0 * x[{ellipsis, 1}]); }

int run() {
  Rngs rngs(0);
  Regressor model(rngs);
  Tensor x = uniform({512, 2}, rngs.next(), -1, 1), y = target(x);
  initialize(model, x);
  State before = state(model, of_type<Frozen>);

  Optimizer optimizer(model, adam({.learning_rate = 3e-3}));
  for (int step = 0; step < 300; ++step) {
    auto [loss, grads] = value_and_grad(model, [&] { return mean(squared_error(model(x), y)); });
    optimizer.update(grads);
    if (step % 100 == 0) std::cout << "step " << step << "  loss " << loss.item() << '\n';
  }

  Tensor unseen = uniform({512, 2}, rngs.next(), -1, 1);
  double error = mean(squared_error(model(unseen), target(unseen))).item();
  bool untouched = before["features.frequencies"].to_vector<float>() ==
                   state(model, of_type<Frozen>)["features.frequencies"].to_vector<float>();
  Regressor copy = clone(model);  // with state of its own
  bool cloned = copy(unseen).to_vector<float>() == model(unseen).to_vector<float>();

  bool refused = false;
  try {
    model(zeros({4, 3}));
  } catch (const ShapeError& wrong) {
    refused = true;
    std::cout << wrong.what() << '\n';
  }
  std::cout << to_string(state(model)) << "error on new points " << error << ", bound 0.01; frequencies "
            << (untouched ? "untouched" : "CHANGED") << ", clone " << (cloned ? "equal" : "DIFFERENT") << '\n';
  return error < 0.01 && untouched && cloned && refused ? 0 : 1;
}

}  // namespace

int main() try { return run(); } catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
