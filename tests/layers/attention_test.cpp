#include <thread>

#include "attention_oracle.hpp"

using namespace weft;
using namespace weft::testing;
using Catch::Matchers::Contains;

TEST_CASE("names and shapes of the parameters never depend on options") {
  Rngs rngs(0);
  MultiHeadAttentionOptions options = prime_sizes();
  options.normalize_qk = options.null_slot = true;
  MultiHeadAttention layer(options, rngs);
  std::string text;
  for (auto [path, value, kind] : state(layer, of_type<Param>)) text += path + ' ' + to_string(value.shape()) + '\n';
  CHECK(text ==
        "query.kernel [11, 6, 5]\nquery.bias [6, 5]\nkey.kernel [13, 2, 5]\nkey.bias [2, 5]\n"
        "value.kernel [17, 2, 7]\nvalue.bias [2, 7]\nquery_ln.scale [5]\nkey_ln.scale [5]\n"
        "out.kernel [6, 7, 19]\nout.bias [19]\nnull_key [2, 5]\nnull_value [2, 7]\n");
  MultiHeadAttention self({.query_features = 12, .num_heads = 3, .use_bias = false}, rngs);
  text.clear();
  initialize(self, zeros({5, 12}));
  for (auto [path, value, kind] : state(self)) text += path + ' ' + to_string(value.shape()) + '\n';
  CHECK(text == "query.kernel [12, 3, 4]\nkey.kernel [12, 3, 4]\nvalue.kernel [12, 3, 4]\nout.kernel [3, 4, 12]\n");
}

TEST_CASE("queries, keys and values of different widths") {
  Rngs rngs(0);
  MultiHeadAttention layer(prime_sizes(), rngs);
  Streams s;
  AttentionOutput expected = plain_attention(layer, s.query, s.key, s.value);
  CHECK(largest_difference(layer(s.query, s.key, s.value), expected.out) < 1e-12);
  AttentionOutput with_weights = layer.with_weights(s.query, s.key, s.value);
  CHECK(largest_difference(with_weights.out, expected.out) < 1e-12);
  CHECK(largest_difference(with_weights.weights, expected.weights) < 1e-12);
}

TEST_CASE("query-key normalization, and no biases") {
  Rngs rngs(0);
  MultiHeadAttentionOptions options = prime_sizes();
  options.normalize_qk = true;
  options.use_bias = false;
  options.query_ln_scale_init = initializers::normal(1);
  MultiHeadAttention layer(options, rngs);
  CHECK(!layer.query.bias);
  Streams s;
  CHECK(largest_difference(layer(s.query, s.key, s.value), plain_attention(layer, s.query, s.key, s.value).out) <
        1e-12);
}

TEST_CASE("sizes left out come from the data") {
  Rngs a(3), b(3);
  MultiHeadAttention lazy({.num_heads = 3}, a);
  MultiHeadAttention sized({.query_features = 12, .key_features = 7, .value_features = 5, .num_heads = 3}, b);
  Tensor q = wavy({2, 3, 12}), k = wavy({2, 5, 7}, 1), v = wavy({2, 5, 5}, 2);
  CHECK(lazy(q, k, v).shape() == Shape{2, 3, 12});
  CHECK(same_bits(lazy(q, k, v), sized(q, k, v)));
}

TEST_CASE("a key left out is the query, a value left out the key") {
  Rngs rngs(0);
  MultiHeadAttention self({.query_features = 12, .num_heads = 3}, rngs);
  Tensor x = wavy({2, 5, 12});
  CHECK(same_bits(self(x), self(x, x)));
  CHECK(same_bits(self(x), self(x, x, x)));
  Tensor other = wavy({2, 7, 12}, 1);
  CHECK(same_bits(self(x, other), self(x, other, other)));
  CHECK_THAT(error_of<ValueError>([&] { self(x, Tensor(), x); }), Contains("value alone"));
}

TEST_CASE("any batch axes, none, and empty ones") {
  Rngs rngs(0);
  MultiHeadAttention layer(prime_sizes(), rngs);
  Streams s;
  Tensor y = layer(s.query, s.key, s.value);
  Tensor none = layer(s.query[1], s.key[1], s.value[1]);
  CHECK(largest_difference(none, y[1]) < 1e-13);
  Tensor two = layer(expand_dims(s.query, 1), expand_dims(s.key, 1), expand_dims(s.value, 1));
  CHECK(largest_difference(two, expand_dims(y, 1)) < 1e-13);
  auto f64 = [](const Shape& shape) { return zeros(shape, DType::float64); };
  CHECK(layer(f64({0, 3, 11}), f64({0, 5, 13}), f64({0, 5, 17})).shape() == Shape{0, 3, 19});
  CHECK(layer(f64({2, 0, 11}), f64({2, 5, 13}), f64({2, 5, 17})).shape() == Shape{2, 0, 19});
  // Nothing to attend to: the out bias alone.
  Tensor empty = layer(s.query, f64({2, 0, 13}), f64({2, 0, 17}));
  CHECK(largest_difference(empty, broadcast_to(layer.out.bias, {2, 3, 19})) == 0);
}

TEST_CASE("keys and values projected once serve any number of queries") {
  Rngs rngs(0);
  MultiHeadAttention layer(prime_sizes(), rngs);
  Streams s;
  ProjectedKeyValue projected = layer.project(s.key, s.value);
  CHECK(projected.key.shape() == Shape{2, 5, 2, 5});
  CHECK(projected.value.shape() == Shape{2, 5, 2, 7});
  CHECK(same_bits(layer(s.query, projected), layer(s.query, s.key, s.value)));
  // Four questions to each picture: keys have batch axes [2, 1].
  Tensor questions = wavy({2, 4, 3, 11}, 5, DType::float64);
  ProjectedKeyValue shared = layer.project(expand_dims(s.key, 1), expand_dims(s.value, 1));
  Tensor y = layer(questions, shared);
  for (int q = 0; q < 4; ++q)
    CHECK(largest_difference(y[{slice(), q}], layer(questions[{slice(), q}], s.key, s.value)) < 1e-13);
  // One picture for the whole batch.
  Tensor one = layer(s.query, s.key[0], s.value[0]);
  CHECK(largest_difference(one[1], layer(s.query[1], s.key[0], s.value[0])) < 1e-13);

  MultiHeadAttention unsized({.num_heads = 2}, rngs);
  CHECK_THAT(error_of<StateError>([&] { unsized.project(s.key); }), Contains("head_dim") && Contains("initialize"));
}

TEST_CASE("masks of every broadcast shape") {
  Rngs rngs(0);
  MultiHeadAttention layer(prime_sizes(), rngs);
  Streams s;
  for (const Shape& shape :
       {Shape{5}, Shape{1}, Shape{3, 5}, Shape{3, 1}, Shape{1, 5}, Shape{6, 3, 5}, Shape{6, 1, 5}, Shape{1, 3, 5},
        Shape{2, 1, 1, 5}, Shape{2, 1, 3, 5}, Shape{2, 6, 3, 5}, Shape{1, 1, 3, 5}, Shape{2, 6, 1, 1}}) {
    Tensor mask = greater(wavy(shape, 4), -0.4);
    CAPTURE(to_string(shape));
    Tensor full = broadcast_to(mask, {2, 6, 3, 5});
    Tensor seen = any(full, -1, true);
    AttentionOutput expected = plain_attention(layer, s.query, s.key, s.value, mask);
    AttentionOutput got = layer.with_weights(s.query, s.key, s.value, {.mask = mask});
    CHECK(largest_difference(got.weights, where(seen, expected.weights, 0.0)) < 1e-12);
    CHECK(same_bits(layer(s.query, s.key, s.value, {.mask = mask}), layer(s.query, s.key, s.value, {.mask = full})));
    CHECK(largest_difference(layer(s.query, s.key, s.value, {.mask = mask}), got.out) < 1e-12);
    CHECK(same_bits(layer(s.query, s.key, s.value, {.mask = cast(mask, DType::float32)}),
                    layer(s.query, s.key, s.value, {.mask = mask})));
  }
}

TEST_CASE("causal masks, aligned top left or bottom right, and windows") {
  Rngs rngs(0);
  MultiHeadAttention layer(prime_sizes(), rngs);
  Streams s;
  auto weights = [&](const AttentionCall& call) { return layer.with_weights(s.query, s.key, s.value, call).weights; };
  auto allowed = [&](auto rule) {
    std::vector<int> values;
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 5; ++j) values.push_back(rule(i, j));
    return cast(Tensor::from(values, {3, 5}), DType::boolean);
  };
  auto expected = [&](const Tensor& mask) { return plain_attention(layer, s.query, s.key, s.value, mask).weights; };
  CHECK(largest_difference(weights({.causal = Causal::top_left}),
                           expected(allowed([](int i, int j) { return j <= i; }))) < 1e-12);
  CHECK(largest_difference(weights({.causal = Causal::bottom_right}),
                           expected(allowed([](int i, int j) { return j <= i + 2; }))) < 1e-12);
  CHECK(largest_difference(weights({.window_left = 1, .window_right = 2}),
                           expected(allowed([](int i, int j) { return j >= i - 1 && j <= i + 2; }))) < 1e-12);
  // With a mask whose query axis is 1, too; both must allow.
  Tensor padding = cast(Tensor::from<int>({1, 1, 0, 1, 1}, {5}), DType::boolean);
  CHECK(largest_difference(weights({.mask = padding, .causal = Causal::top_left}),
                           expected(allowed([](int i, int j) { return j <= i && j != 2; }))) < 1e-12);
}

TEST_CASE("lengths mask keys and blank queries") {
  Rngs rngs(0);
  MultiHeadAttention layer(prime_sizes(), rngs);
  Streams s;
  Tensor y = layer(s.query, s.key, s.value,
                   {.query_lengths = Tensor::from<int>({3, 1}, {2}), .key_lengths = Tensor::from<int>({2, 5}, {2})});
  CHECK(largest_difference(y[0], layer(s.query[0], s.key[{0, slice(0, 2)}], s.value[{0, slice(0, 2)}])) < 1e-12);
  CHECK(largest_difference(y[{1, 0}], layer(s.query[1], s.key[1], s.value[1])[0]) < 1e-12);
  CHECK(largest_difference(y[{1, 1}], layer.out.bias) == 0);
}

TEST_CASE("bias, scale and soft cap") {
  Rngs rngs(0);
  Streams s;
  MultiHeadAttentionOptions options = prime_sizes();
  MultiHeadAttention layer(options, rngs);
  Tensor bias = wavy({6, 3, 5}, 7, DType::float64);
  Tensor plain = log(layer.with_weights(s.query, s.key, s.value).weights);
  Tensor biased = layer.with_weights(s.query, s.key, s.value, {.bias = bias}).weights;
  CHECK(largest_difference(biased, softmax(plain + bias, -1)) < 1e-12);
  layer.scale = 2 / std::sqrt(5.0);
  CHECK(largest_difference(layer.with_weights(s.query, s.key, s.value).weights, softmax(plain * 2, -1)) < 1e-12);
  layer.scale = std::nullopt;
  layer.soft_cap = 1e-3;
  Tensor nearly_even = layer.with_weights(s.query, s.key, s.value).weights;
  CHECK(largest_difference(nearly_even, full_like(nearly_even, 0.2)) < 1e-3);
}

TEST_CASE("a query that may attend to nothing gets zero, or the mean on request") {
  Rngs rngs(0);
  MultiHeadAttention layer(prime_sizes(), rngs);
  Streams s;
  std::vector<int> values(15, 1);
  for (size_t j = 5; j < 10; ++j) values[j] = 0;
  Tensor mask = cast(Tensor::from(values, {3, 5}), DType::boolean);
  Tensor y = layer(s.query, s.key, s.value, {.mask = mask});
  CHECK(largest_difference(y[{0, 1}], layer.out.bias) == 0);
  CHECK(largest_difference(layer.with_weights(s.query, s.key, s.value, {.mask = mask}).out, y) < 1e-13);
  // Exact zero gradients: query 1 alone gives nothing to anyone but the out bias.
  State grads = grad(layer, [&] { return sum(layer(s.query, s.key, s.value, {.mask = mask})[{slice(), 1}]); });
  for (auto [path, value, kind] : grads) CHECK((path == "out.bias" || max(abs(value)).item() == 0));

  layer.fully_masked = FullyMasked::uniform;
  AttentionOutput uniform = layer.with_weights(s.query, s.key, s.value, {.mask = mask});
  CHECK(largest_difference(uniform.weights[{slice(), slice(), 1}], full({2, 6, 5}, 0.2, DType::float64)) < 1e-13);
}

TEST_CASE("NaN in a masked key or value does not leak") {
  Rngs rngs(0);
  MultiHeadAttention layer(prime_sizes(), rngs);
  Streams s;
  Tensor mask = cast(Tensor::from<int>({1, 1, 0, 1, 1}, {5}), DType::boolean);
  Tensor clean = layer(s.query, s.key, s.value, {.mask = mask});
  double nan = std::nan("");
  s.key = slice_update(s.key, full({}, nan, DType::float64), {slice(), 2});
  s.value = slice_update(s.value, full({}, nan, DType::float64), {slice(), 2});
  CHECK(same_bits(layer(s.query, s.key, s.value, {.mask = mask}), clean));
}

TEST_CASE("the null slot is one more key that every query sees") {
  Rngs rngs(0);
  MultiHeadAttentionOptions options = prime_sizes();
  options.null_slot = true;
  MultiHeadAttention layer(options, rngs);
  Streams s;
  AttentionOutput y = layer.with_weights(s.query, s.key, s.value);
  CHECK(y.weights.shape() == Shape{2, 6, 3, 6});
  CHECK(largest_difference(sum(y.weights, -1), ones({2, 6, 3}, DType::float64)) < 1e-12);
  // All real keys masked: the null value is all there is.
  Tensor nothing_else = zeros({5}, DType::boolean);
  Tensor only = layer(s.query, s.key, s.value, {.mask = nothing_else});
  Tensor attended = broadcast_to(reshape(repeat(layer.null_value.get(), 3, 0), {1, 1, 6, 7}), {2, 3, 6, 7});
  CHECK(largest_difference(only, layer.out(attended)) < 1e-12);
}

TEST_CASE("receptive field of causal self-attention") {
  Rngs rngs(0);
  MultiHeadAttention layer(
      {.query_features = 10, .num_heads = 2, .causal = Causal::top_left, .param_dtype = DType::float64}, rngs);
  Tensor x = wavy({7, 10}, 0, DType::float64);
  for (int64_t i = 0; i < 7; ++i) {
    Tensor slope = grad([&](const Tensor& at) { return sum(layer(at)[i]); }, x);
    for (int64_t j = 0; j < 7; ++j) {
      double size = max(abs(slope[j])).item();
      if (j <= i) CHECK(size > 1e-5);
      else CHECK(size == 0);
    }
  }
}

TEST_CASE("dropout follows train and eval, from a stream of the layer's own") {
  Rngs rngs(0);
  MultiHeadAttentionOptions options = prime_sizes();
  options.dropout_rate = 0.5f;
  MultiHeadAttention layer(options, rngs);
  Streams s;
  auto run = [&](const AttentionCall& call = {}) { return layer(s.query, s.key, s.value, call); };
  CHECK(!same_bits(run(), run()));
  CHECK(same_bits(run({.dropout_key = RandomKey{1, 2, 3}}), run({.dropout_key = RandomKey{1, 2, 3}})));
  CHECK(same_bits(run({.deterministic = true}), run({.deterministic = true})));
  Tensor plain = plain_attention(layer, s.query, s.key, s.value).out;
  CHECK(largest_difference(run({.deterministic = true}), plain) < 1e-12);
  int64_t drawn = layer.rngs.count.get().item<int64_t>();
  eval(layer);
  CHECK(largest_difference(run(), plain) < 1e-12);
  CHECK(layer.rngs.count.get().item<int64_t>() == drawn);
  CHECK(!same_bits(run({.deterministic = false}), plain));
  train(layer);
  CHECK(!same_bits(run(), plain));

  // One mask for batch entries and heads: equal batch entries give equal results; else they differ.
  auto difference = [&](bool broadcast) {
    layer.broadcast_dropout = broadcast;
    Tensor q = broadcast_to(s.query[{slice(0, 1)}], {2, 3, 11}), k = broadcast_to(s.key[{slice(0, 1)}], {2, 5, 13}),
           v = broadcast_to(s.value[{slice(0, 1)}], {2, 5, 17});
    Tensor y = layer(q, k, v);
    return largest_difference(y[0], y[1]);
  };
  CHECK(difference(true) < 1e-13);
  CHECK(difference(false) > 1e-3);
  // The weights that are given are those before dropout.
  CHECK(largest_difference(sum(layer.with_weights(s.query, s.key, s.value).weights, -1),
                           ones({2, 6, 3}, DType::float64)) < 1e-12);
  // No stream where there is nothing to drop.
  CHECK(!MultiHeadAttention(prime_sizes(), rngs).rngs);
}

TEST_CASE("weights are sown on request") {
  Rngs rngs(0);
  std::vector<MultiHeadAttention> layers;
  for (int i = 0; i < 3; ++i)
    layers.push_back(MultiHeadAttention({.query_features = 8, .num_heads = 4, .sow_weights = i != 1}, rngs));
  Sequential net(std::move(layers[0]), std::move(layers[1]), std::move(layers[2]));
  Tensor x = wavy({3, 5, 8});
  auto [y, sown] = capture([&] { return net(x); });
  CHECK(sown.size() == 2);
  CHECK(sown["layers.0.attention_weights"].shape() == Shape{3, 4, 5, 5});
  CHECK(sown.contains("layers.2.attention_weights"));
  CHECK(largest_difference(y, net(x)) < 1e-6);
}

TEST_CASE("types: half in, half out, and integers become float32") {
  Rngs rngs(0);
  MultiHeadAttention layer({.query_features = 12, .num_heads = 3, .dtype = DType::bfloat16}, rngs);
  Tensor x = wavy({2, 5, 12});
  CHECK(layer(x).dtype() == DType::bfloat16);
  MultiHeadAttention plain({.query_features = 12, .num_heads = 3}, rngs);
  CHECK(plain(ones({5, 12}, DType::int32)).dtype() == DType::float32);
  CHECK(plain(cast(x, DType::float64)).dtype() == DType::float64);
}

TEST_CASE("several threads ask one model", "[threads]") {
  Rngs rngs(0);
  MultiHeadAttentionOptions options = prime_sizes();
  options.dropout_rate = 0.5f;
  options.deterministic = true;
  const MultiHeadAttention layer(options, rngs);
  Streams s;
  Tensor expected = layer(s.query, s.key, s.value);
  std::vector<Tensor> results(4);
  std::vector<std::thread> threads;
  for (Tensor& result : results) threads.emplace_back([&] { result = layer(s.query, s.key, s.value); });
  for (std::thread& thread : threads) thread.join();
  for (const Tensor& result : results) CHECK(same_bits(result, expected));
}
