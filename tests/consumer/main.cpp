// A project outside the tree: attention over inputs of different widths takes a step downhill, and arrays come in and
// go out.
#include <cstdio>

#include <weft/weft.hpp>
#include <weft/xtensor.hpp>

using namespace weft;

int main() {
  Rngs rngs(0);
  MultiHeadAttention attention({.query_features = 48, .key_features = 80, .num_heads = 4, .head_dim = 12}, rngs);
  xt::xarray<float> ones = xt::ones<float>({2, 5, 48});
  Tensor query = from_xtensor(std::move(ones));
  Tensor features = uniform({2, 7, 80}, rngs.next());
  initialize(attention, query, features, features);
  auto square_of_output = [&] {
    Tensor out = attention(query, features, features);
    return mean(out * out);
  };

  Optimizer optimizer(attention, sgd({.learning_rate = 0.1}));
  auto [before, grads] = value_and_grad(attention, square_of_output);
  optimizer.update(grads);
  Tensor after = square_of_output();
  std::printf("loss %.6f, then %.6f\n", before.item<float>(), after.item<float>());
  return after.item<float>() < before.item<float>() ? 0 : 1;
}
