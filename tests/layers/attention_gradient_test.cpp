#include "attention_oracle.hpp"

using namespace weft;
using namespace weft::testing;

namespace {

void check(const MultiHeadAttentionOptions& options, const AttentionCall& call, bool second = false) {
  Rngs rngs(0);
  MultiHeadAttention layer(options, rngs);
  Streams s;
  auto run = [&] { return layer(s.query, s.key, s.value, call); };
  GradcheckResult parameters = check_parameters(layer, run, {.second_order = second});
  INFO(parameters.message);
  CHECK(parameters.passed);
  GradcheckResult inputs = gradcheck([&](const Tensors& x) { return Tensors{layer(x[0], x[1], x[2], call)}; },
                                     {s.query, s.key, s.value}, {.second_order = second});
  INFO(inputs.message);
  CHECK(inputs.passed);
}

Tensor some_mask() { return greater(wavy({2, 6, 3, 5}, 4), -0.6); }

}  // namespace

TEST_CASE("every parameter and input of attention passes gradcheck") {
  MultiHeadAttentionOptions options = prime_sizes();
  SECTION("plain") { check(options, {}); }
  SECTION("masked, with rows that see nothing") {
    check(options, {.mask = logical_and(some_mask(), Tensor::from<int>({1, 0, 1}, {3, 1}))});
  }
  SECTION("causal, bias") {
    check(options, {.bias = wavy({6, 1, 5}, 3, DType::float64), .causal = Causal::bottom_right});
  }
  SECTION("normalized, null slot, soft cap, window") {
    options.normalize_qk = options.null_slot = true;
    options.soft_cap = 2;
    check(options, {.window_left = 1, .window_right = 3});
  }
  SECTION("dropout") {
    options.dropout_rate = 0.4f;
    check(options, {.dropout_key = RandomKey{1, 2, 3}});
  }
  SECTION("no biases, one key head, lengths") {
    options.use_bias = false;
    options.num_key_value_heads = 1;
    check(options, {.key_lengths = Tensor::from<int>({3, 5}, {2})});
  }
}

TEST_CASE("second derivatives of attention") {
  MultiHeadAttentionOptions options = prime_sizes();
  options.query_features = 11;
  options.num_heads = 2;
  options.num_key_value_heads = 1;
  SECTION("plain") { check(options, {}, true); }
  SECTION("masked") { check(options, {.mask = greater(wavy({2, 2, 3, 5}, 4), -0.6)}, true); }
  SECTION("normalized, null slot") {
    options.normalize_qk = options.null_slot = true;
    check(options, {.causal = Causal::top_left}, true);
  }
}

TEST_CASE("gradients through projected keys and values, and through the weights") {
  Rngs rngs(0);
  MultiHeadAttention layer(prime_sizes(), rngs);
  Streams s;
  State direct = grad(layer, [&] { return sum(square(layer(s.query, s.key, s.value))); });
  State projected = grad(layer, [&] { return sum(square(layer(s.query, layer.project(s.key, s.value)))); });
  for (size_t i = 0; i < direct.size(); ++i) CHECK(largest_difference(direct.value(i), projected.value(i)) < 1e-12);

  Tensor factors = wavy({2, 6, 3, 5}, 3, DType::float64);
  GradcheckResult result =
      check_parameters(layer, [&] { return layer.with_weights(s.query, s.key, s.value).weights * factors; });
  INFO(result.message);
  CHECK(result.passed);
}

TEST_CASE("a bias may learn") {
  Rngs rngs(0);
  MultiHeadAttention layer(prime_sizes(), rngs);
  Streams s;
  for (const Shape& shape : {Shape{5}, Shape{6, 1, 1}, Shape{2, 1, 3, 5}, Shape{2, 6, 3, 5}}) {
    CAPTURE(to_string(shape));
    GradcheckResult result =
        gradcheck([&](const Tensors& x) { return Tensors{layer(s.query, s.key, s.value, {.bias = x[0]})}; },
                  {wavy(shape, 6, DType::float64)});
    INFO(result.message);
    CHECK(result.passed);
  }
}
