// A project outside the tree: attention over inputs of different widths learns something, without a warning.
#include <cstdio>

#include <weft/weft.hpp>

using namespace weft;

int main() {
  Rngs rngs(0);
  MultiHeadAttention attention({.query_features = 48, .key_features = 80, .num_heads = 4, .head_dim = 12}, rngs);
  Tensor query = uniform({2, 5, 48}, rngs()), features = uniform({2, 7, 80}, rngs());

  auto [loss, grads] = value_and_grad(attention, [&] {
    Tensor out = attention(query, features, features);
    return mean(out * out);
  });
  std::printf("loss %.6f, %zu gradients\n", loss.item<float>(), grads.size());
  return loss.item<float>() > 0 && !grads.empty() ? 0 : 1;
}
