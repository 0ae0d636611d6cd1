#include "attention_oracle.hpp"

using namespace weft;
using namespace weft::testing;
using Catch::Matchers::Contains;

namespace {

MultiHeadAttentionOptions self_options(DType dtype = DType::float64) {
  MultiHeadAttentionOptions options = prime_sizes();
  options.key_features = options.value_features = options.query_features;
  options.param_dtype = dtype;
  return options;
}

}  // namespace

TEST_CASE("decoding in pieces of any length equals one causal pass") {
  for (bool normalize : {false, true}) {
    Rngs rngs(0);
    MultiHeadAttentionOptions options = self_options();
    options.normalize_qk = normalize;
    options.null_slot = normalize;
    MultiHeadAttention layer(options, rngs);
    for (const Shape& batch : {Shape{}, Shape{2}, Shape{2, 3}}) {
      Shape shape = batch;
      shape.push_back(7);
      shape.push_back(11);
      Tensor x = wavy(shape, 0, DType::float64);
      Tensor whole = layer(x, {.causal = Causal::top_left});
      for (const std::vector<int64_t>& pieces : {std::vector<int64_t>{1, 1, 1, 1, 1, 1, 1}, {3, 1, 0, 2, 1}, {7}}) {
        layer.init_cache(batch, 7, DType::float64);
        int64_t at = 0;
        for (int64_t n : pieces) {
          CAPTURE(to_string(batch), at, n);
          Tensor y = layer.decode(slice_axis(x, -2, at, at + n));
          CHECK(largest_difference(y, slice_axis(whole, -2, at, at + n)) < 1e-12);
          at += n;
          CHECK(layer.cache_index.get().item() == at);
        }
      }
    }
  }
}

TEST_CASE("decoding with keys and values of other widths") {
  Rngs rngs(0);
  MultiHeadAttention layer(prime_sizes(), rngs);
  Tensor q = wavy({2, 5, 11}, 0, DType::float64), k = wavy({2, 5, 13}, 1, DType::float64),
         v = wavy({2, 5, 17}, 2, DType::float64);
  Tensor whole = layer(q, k, v, {.causal = Causal::top_left});
  layer.init_cache({2}, 6, DType::float64);
  CHECK(layer.cached_key.shape() == Shape{2, 6, 2, 5});
  CHECK(layer.cached_value.shape() == Shape{2, 6, 2, 7});
  for (int64_t at = 0; at < 5; ++at) {
    auto step = [&](const Tensor& x) { return slice_axis(x, 1, at, at + 1); };
    CHECK(largest_difference(layer.decode(step(q), step(k), step(v)), step(whole)) < 1e-12);
  }
  CHECK(layer.cached_key.kind().is(Cache::kind()));
}

TEST_CASE("a layer that is causal anyway decodes the same") {
  Rngs rngs(0);
  MultiHeadAttentionOptions options = self_options();
  options.causal = Causal::top_left;
  options.window_left = 2;
  MultiHeadAttention layer(options, rngs);
  Tensor x = wavy({2, 7, 11}, 0, DType::float64);
  Tensor whole = layer(x);
  layer.init_cache({2}, 7, DType::float64);
  for (int64_t at = 0; at < 7; ++at)
    CHECK(largest_difference(layer.decode(slice_axis(x, 1, at, at + 1)), slice_axis(whole, 1, at, at + 1)) < 1e-12);
}

TEST_CASE("masks of a decode step") {
  Rngs rngs(0);
  MultiHeadAttention layer(self_options(), rngs);
  Tensor x = wavy({2, 5, 11}, 0, DType::float64);
  Tensor mask = cast(Tensor::from<int>({1, 0, 1, 1, 1, 1, 1}, {1, 1, 1, 7}), DType::boolean);
  Tensor whole = layer(x, {.mask = slice_axis(mask, -1, 0, 5), .causal = Causal::top_left});
  layer.init_cache({2}, 7, DType::float64);
  layer.decode(slice_axis(x, 1, 0, 3), {.mask = mask});
  Tensor last = layer.decode(slice_axis(x, 1, 3, 5), {.mask = mask});
  CHECK(largest_difference(last, slice_axis(whole, 1, 3, 5)) < 1e-12);
  layer.reset_cache();
  layer.decode(slice_axis(x, 1, 0, 3), {.mask = slice_axis(mask, -1, 0, 3)});
  CHECK_THROWS_AS(layer.decode(slice_axis(x, 1, 3, 5), {.mask = slice_axis(mask, -1, 0, 3)}), ShapeError);
  CHECK(layer.cache_index.get().item() == 3);
}

TEST_CASE("where a query that sees nothing attends to all keys, these are the whole cache") {
  Rngs rngs(0);
  MultiHeadAttentionOptions options = self_options();
  options.window_left = 2;
  MultiHeadAttention zero(options, rngs);
  options.fully_masked = FullyMasked::uniform;
  MultiHeadAttention uniform(options, rngs);
  update(uniform, state(zero));
  for (MultiHeadAttention* layer : {&zero, &uniform}) layer->init_cache({2}, 7, DType::float64);
  Tensor x = wavy({2, 5, 11}, 0, DType::float64), bias = wavy({2, 1, 1, 7}, 1, DType::float64);
  Tensor mask = cast(Tensor::from<int>({1, 0, 1, 1, 1, 1, 1}, {1, 1, 1, 7}), DType::boolean);
  auto check_step = [&](int64_t first, int64_t last, const AttentionCall& call) {
    Tensor step = slice_axis(x, 1, first, last);
    CHECK(largest_difference(uniform.decode(step, call), zero.decode(step, call)) < 1e-12);
  };
  check_step(0, 2, {.mask = slice_axis(mask, -1, 0, 2), .bias = slice_axis(bias, -1, 0, 2)});
  check_step(2, 5, {.mask = mask, .bias = bias});
  CHECK_THROWS_AS(uniform.decode(slice_axis(x, 1, 0, 1), {.mask = slice_axis(mask, -1, 0, 4)}), ShapeError);

  Tensor y = uniform.decode(slice_axis(x, 1, 0, 1), {.mask = zeros({1}, DType::boolean)});
  Tensor average = repeat(mean(uniform.cached_value.get(), 1), 3, 1);  // 6 heads, 2 key and value heads
  CHECK(largest_difference(squeeze(y, 1),
                           einsum("bhv,hvo->bo", average, uniform.out.kernel.get()) + uniform.out.bias.get()) < 1e-12);
  ShapeOnlyScope scope;
  CHECK(uniform.decode(Tensor::meta({2, 1, 11}, DType::float64)).shape() == Shape{2, 1, 19});
}

TEST_CASE("a full cache refuses before anything is written") {
  Rngs rngs(0);
  MultiHeadAttention layer(self_options(), rngs);
  Tensor x = wavy({2, 5, 11}, 0, DType::float64);
  layer.init_cache({2}, 4, DType::float64);
  layer.decode(slice_axis(x, 1, 0, 3));
  Tensor before = layer.cached_key.get().copy();
  CHECK_THAT(error_of<StateError>([&] { layer.decode(slice_axis(x, 1, 3, 5)); }),
             Contains("at most 1 more") && Contains("holds 4") && Contains("has 3") && Contains("got 2"));
  CHECK(same_bits(layer.cached_key, before));
  CHECK(layer.cache_index.get().item() == 3);
  layer.decode(slice_axis(x, 1, 3, 4));
  layer.reset_cache();
  CHECK(layer.cache_index.get().item() == 0);
  Tensor again = layer.decode(x[{slice(), slice(0, 1)}]);
  CHECK(largest_difference(again, layer(x[{slice(), slice(0, 1)}])) < 1e-12);
}

TEST_CASE("the cache's type may differ from the layer's") {
  Rngs rngs(0);
  MultiHeadAttention layer(self_options(DType::float32), rngs);
  Tensor x = wavy({2, 3, 11});
  layer.init_cache({2}, 3, DType::bfloat16);
  Tensor y = layer.decode(x);
  CHECK(y.dtype() == DType::float32);
  CHECK(largest_difference(y, layer(x, {.causal = Causal::top_left})) < 0.02);
  layer.init_cache({2}, 3, DType::float64);
  CHECK(largest_difference(layer.decode(x), layer(x, {.causal = Causal::top_left})) < 1e-5);
}

TEST_CASE("decode says what is wrong") {
  Rngs rngs(0);
  MultiHeadAttention layer(self_options(), rngs);
  Tensor x = wavy({2, 3, 11}, 0, DType::float64);
  CHECK_THAT(error_of<StateError>([&] { layer.decode(x); }), Contains("init_cache"));
  CHECK_THAT(error_of<StateError>([&] { layer.reset_cache(); }), Contains("init_cache"));
  MultiHeadAttention unsized({.num_heads = 2}, rngs);
  CHECK_THAT(error_of<StateError>([&] { unsized.init_cache({2}, 3); }), Contains("initialize"));
  layer(x);
  layer.init_cache({3}, 7, DType::float64);
  CHECK_THAT(error_of<ShapeError>([&] { layer.decode(x); }), Contains("[3]") && Contains("[2, 3, 11]"));
  layer.init_cache({2}, 7, DType::float64);
  CHECK_THAT(error_of<ShapeError>([&] {
               layer.decode(x, x, x[{slice(), slice(0, 2)}]);
             }),
             Contains("[2, 3, 11]") && Contains("[2, 2, 11]"));
  CHECK_THAT(error_of<ShapeError>([&] {
               layer.decode(x, wavy({2, 2, 11}), wavy({2, 2, 11}));
             }),
             Contains("as many queries"));
  CHECK(layer.cache_index.get().item() == 0);
  CHECK_THROWS_AS(layer.init_cache({2}, 0), ValueError);
}

TEST_CASE("the cache is state: split, clone and shape-only runs") {
  Rngs rngs(0);
  MultiHeadAttention layer(self_options(), rngs);
  Tensor x = wavy({2, 3, 11}, 0, DType::float64);
  layer(x);
  layer.init_cache({2}, 7, DType::float64);
  layer.decode(x);
  State cache = state(layer, of_type<Cache>);
  CHECK(cache.size() == 3);
  MultiHeadAttention copy = clone(layer);
  CHECK(same_bits(copy.decode(x), layer.decode(x)));
  update(layer, cache, {.only = of_type<Cache>});
  CHECK(layer.cache_index.get().item() == 3);
  CHECK(copy.cache_index.get().item() == 6);
  {
    ShapeOnlyScope scope;
    CHECK(layer.decode(Tensor::meta({2, 4, 11}, DType::float64)).shape() == Shape{2, 4, 19});
  }
  CHECK(layer.cache_index.get().item() == 3);
}
