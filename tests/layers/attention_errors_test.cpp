#include "attention_oracle.hpp"

using namespace weft;
using namespace weft::testing;
using Catch::Matchers::Contains;

namespace {

struct Model {
  MultiHeadAttention attend;
  WEFT_MODULE(Model, attend)
  explicit Model(Rngs& rngs) : attend(prime_sizes(), rngs) {}
  template <class... Inputs> Tensor operator()(const Inputs&... inputs) const {
    Scope scope(*this);
    return attend(inputs...);
  }
};

Tensor f64(const Shape& shape) { return wavy(shape, 0, DType::float64); }

}  // namespace

TEST_CASE("options that cannot be") {
  Rngs rngs(0);
  auto text = [&](const MultiHeadAttentionOptions& options) {
    return error_of<ValueError>([&] { MultiHeadAttention(options, rngs); });
  };
  CHECK_THAT(text({.query_features = 12, .num_heads = 6, .num_key_value_heads = 4}),
             Contains("multiple of num_key_value_heads") && Contains("6 and 4"));
  CHECK_THAT(text({.query_features = 10, .num_heads = 3}), Contains("num_heads = 3") && Contains("10 features"));
  CHECK_THAT(text({.num_heads = 0}), Contains("num_heads") && Contains("got 0"));
  CHECK_THAT(text({.num_heads = 2, .num_key_value_heads = 0}), Contains("num_key_value_heads"));
  CHECK_THAT(text({.query_features = 12, .head_dim = 0}), Contains("head_dim"));
  CHECK_THAT(text({.query_features = 12, .key_features = 0}), Contains("key_features"));
  CHECK_THAT(text({.query_features = 12, .out_features = -5}), Contains("out_features"));
  CHECK_THAT(text({.query_features = 12, .dropout_rate = 1.5f}), Contains("dropout_rate"));
  // A head_dim of its own does away with the division.
  CHECK(MultiHeadAttention({.query_features = 10, .num_heads = 3, .head_dim = 4}, rngs).query.kernel.shape() ==
        Shape{10, 3, 4});
  // The same, found at the first call.
  MultiHeadAttention lazy({.num_heads = 3}, rngs);
  CHECK_THAT(error_of<ValueError>([&] { lazy(wavy({5, 10})); }), Contains("num_heads = 3"));
}

TEST_CASE("wrong widths name the projection, the width and what came") {
  Rngs rngs(0);
  Model model(rngs);
  Streams s;
  auto text = [&](const Tensor& q, const Tensor& k, const Tensor& v) {
    return error_of<ShapeError>([&] { model(q, k, v); });
  };
  CHECK(text(f64({2, 3, 13}), s.key, s.value) == "attend.query: expected inputs with 11 features, got [2, 3, 13]");
  CHECK(text(s.query, f64({2, 5, 11}), s.value) == "attend.key: expected inputs with 13 features, got [2, 5, 11]");
  CHECK(text(s.query, s.key, f64({2, 5, 13})) == "attend.value: expected inputs with 17 features, got [2, 5, 13]");
  // Self-attention where the widths differ.
  CHECK(error_of<ShapeError>([&] { model(s.query); }) ==
        "attend.key: expected inputs with 13 features, got [2, 3, 11]");
  // Widths that were given are held to, also before anything has a shape.
  MultiHeadAttention lazy({.key_features = 512, .num_heads = 2}, rngs);
  CHECK(error_of<ShapeError>([&] {
          lazy(wavy({8, 64, 256}));
        }) == "key: expected inputs with 512 features, got [8, 64, 256]");
}

TEST_CASE("wrong ranks, lengths and batch axes") {
  Rngs rngs(0);
  Model model(rngs);
  Streams s;
  auto text = [&](const Tensor& q, const Tensor& k, const Tensor& v) {
    return error_of<ShapeError>([&] { model(q, k, v); });
  };
  CHECK_THAT(text(f64({11}), s.key, s.value),
             Contains("attend: query: expected inputs [batch..., length, features], got [11]"));
  CHECK_THAT(text(s.query, f64({13}), s.value), Contains("key") && Contains("[13]"));
  CHECK_THAT(text(s.query, s.key, f64({2, 7, 17})),
             Contains("one length") && Contains("[2, 5, 13]") && Contains("[2, 7, 17]"));
  CHECK_THAT(text(s.query, f64({3, 5, 13}), f64({3, 5, 17})), Contains("key: expected the query's batch axes [2]"));
  CHECK_THAT(text(s.query, s.key, f64({3, 5, 17})), Contains("value: expected the query's batch axes [2]"));
  CHECK_THAT(text(f64({3, 11}), s.key, s.value), Contains("batch axes []"));
}

TEST_CASE("wrong masks and biases") {
  Rngs rngs(0);
  Model model(rngs);
  Streams s;
  auto text = [&](const AttentionCall& call) {
    return error_of<ShapeError>([&] { model(s.query, s.key, s.value, call); });
  };
  Tensor seven = ones({7}, DType::boolean);
  CHECK(text({.mask = seven}) ==
        "attend: mask: expected a shape that broadcasts to [batch..., heads, Lq, Lkv] = [2, 6, 3, 5], got [7]");
  CHECK_THAT(text({.mask = ones({2, 4, 3, 5})}), Contains("[2, 6, 3, 5]") && Contains("[2, 4, 3, 5]"));
  CHECK_THAT(text({.mask = ones({1, 2, 6, 3, 5})}), Contains("[1, 2, 6, 3, 5]"));
  CHECK_THAT(text({.bias = ones({3, 4})}), Contains("attend: bias") && Contains("[3, 4]"));
  CHECK_THAT(text({.key_lengths = Tensor::from<int>({1, 2, 3}, {3})}), Contains("[3]"));
}

TEST_CASE("a mask for batch entries is not mistaken for one for heads") {
  Rngs rngs(0);
  MultiHeadAttention layer({.query_features = 12, .num_heads = 3}, rngs);
  // Two batch entries, three heads: the right way to say it is in the error.
  CHECK_THAT(error_of<ShapeError>([&] {
               layer(wavy({2, 5, 12}), {.mask = ones({2, 5, 5})});
             }),
             Contains("[2, 3, 5, 5]") && Contains("say [2, 1, 5, 5]"));
  // Three and three: both readings are possible, so neither is taken.
  std::string text = error_of<ShapeError>([&] { layer(wavy({3, 5, 12}), {.mask = ones({3, 5, 5})}); });
  CHECK_THAT(text, Contains("batch entry, [3, 1, 5, 5]") && Contains("head, [1, 3, 5, 5]"));
  CHECK_THAT(error_of<ShapeError>([&] { layer(wavy({3, 5, 12}), {.bias = ones({3, 1, 5})}); }), Contains("bias"));
  // Said with four axes, each is taken; three heads and another batch are clear too.
  Tensor x = wavy({3, 5, 12});
  Tensor mask = greater(wavy({3, 5, 5}), -0.5);
  CHECK(!same_bits(layer(x, {.mask = expand_dims(mask, 0)}), layer(x, {.mask = expand_dims(mask, 1)})));
  CHECK(same_bits(layer(wavy({2, 5, 12}), {.mask = mask}), layer(wavy({2, 5, 12}), {.mask = expand_dims(mask, 0)})));
  // Two batch axes, and a mask for the outer one.
  Tensor deep = wavy({2, 3, 5, 12}), outer = greater(wavy({2, 1, 1, 5, 5}), -0.5);
  Tensor y = layer(deep, {.mask = outer});
  CHECK(largest_difference(y[{1, 2}], layer(deep[{1, 2}], {.mask = outer[{1, 0}]})) < 1e-6);
}
