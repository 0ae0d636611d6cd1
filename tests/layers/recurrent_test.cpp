#include "helpers.hpp"

using namespace weft;
using namespace weft::testing;
using Catch::Matchers::Contains;

namespace {

std::string paths_of(const ModuleRef& model) {
  std::string text;
  for (const NamedCell& cell : cells(model, of_type<Param>)) text += cell.path + ' ';
  return text;
}

}  // namespace

TEST_CASE("recurrent cells name their parameters as nnx does") {
  Rngs rngs(0);
  GRUCell gru({.hidden_features = 5}, rngs);
  initialize(gru, gru.initialize_carry({2}), zeros({2, 3}));
  CHECK(paths_of(module_ref(gru)) == "dense_i.kernel dense_i.bias dense_h.kernel ");
  CHECK(gru.dense_i.kernel.shape() == Shape{3, 15});
  CHECK(largest_difference(matmul(gru.dense_h.kernel.get(), transpose(gru.dense_h.kernel.get())), eye(5)) < 1e-5);
  LSTMCell lstm({.in_features = 3, .hidden_features = 5}, rngs);
  CHECK(paths_of(module_ref(lstm)) ==
        "ii.kernel if_.kernel ig.kernel io.kernel hi.kernel hi.bias hf.kernel hf.bias hg.kernel hg.bias ho.kernel "
        "ho.bias ");
  CHECK_THROWS_AS(GRUCell({.in_features = 3}, rngs), ValueError);
}

TEST_CASE("the two LSTM cells are one function") {
  Rngs rngs(0);
  LSTMCell cell({.in_features = 3, .hidden_features = 5}, rngs);
  OptimizedLSTMCell fused({.in_features = 3, .hidden_features = 5}, rngs);
  cell.hf.bias.set(wavy({5}, 4));
  fused.dense_i.kernel.set(
      concatenate({cell.ii.kernel.get(), cell.if_.kernel.get(), cell.ig.kernel.get(), cell.io.kernel.get()}, 1));
  fused.dense_h.kernel.set(
      concatenate({cell.hi.kernel.get(), cell.hf.kernel.get(), cell.hg.kernel.get(), cell.ho.kernel.get()}, 1));
  fused.dense_h.bias.set(concatenate({zeros({5}), wavy({5}, 4), zeros({10})}));
  LSTMCarry carry{wavy({2, 5}, 1), wavy({2, 5}, 2)};
  auto a = cell(carry, wavy({2, 3})), b = fused(carry, wavy({2, 3}));
  CHECK(largest_difference(a.carry.c, b.carry.c) < 1e-6);
  CHECK(largest_difference(a.output, b.output) < 1e-6);
}

TEST_CASE("gradient of a GRU over five steps") {
  Rngs rngs(0);
  RNN<GRUCell> rnn(GRUCell({.in_features = 3, .hidden_features = 2, .param_dtype = DType::float64}, rngs));
  const Tensor x = wavy({3, 5, 3}, 0, DType::float64), lengths = Tensor::from<int>({5, 0, 3}, {3});
  auto loss = [&](const Tensor& input) {
    auto result = rnn.run(input, {.seq_lengths = lengths});
    return sum(result.outputs * wavy({3, 5, 2}, 1, DType::float64)) +
           sum(result.carry * wavy({3, 2}, 2, DType::float64));
  };
  auto of_parameters = check_parameters(rnn, [&] { return loss(x); });
  INFO(of_parameters.message);
  CHECK(of_parameters.passed);
  auto of_inputs = gradcheck([&](const Tensors& in) { return Tensors{loss(in[0])}; }, {x});
  INFO(of_inputs.message);
  CHECK(of_inputs.passed);
}

TEST_CASE("a sequence's length cuts it off, from either end") {
  Rngs rngs(0);
  for (bool reverse : {false, true}) {
    RNN<OptimizedLSTMCell> rnn(OptimizedLSTMCell({.in_features = 3, .hidden_features = 5}, rngs),
                               {.reverse = reverse, .keep_order = true});
    const Tensor x = wavy({2, 7, 3});
    auto all = rnn.run(x, {.seq_lengths = Tensor::from<int>({4, 0}, {2})});
    auto alone = rnn.run(x[{slice(0, 1), slice(0, 4)}]);
    CHECK(largest_difference(all.outputs[{slice(0, 1), slice(0, 4)}], alone.outputs) < 1e-6);
    CHECK(largest_difference(all.carry.c[{slice(0, 1)}], alone.carry.c) < 1e-6);
    CHECK(same_bits(all.carry.h[{1}], zeros({5})));
    auto whole = rnn.run(x, {.seq_lengths = Tensor::from<int>({7, 7}, {2})});
    CHECK(largest_difference(whole.outputs, rnn(x)) < 1e-6);
  }
}

TEST_CASE("order of a reverse run, time axis and empty sequences") {
  Rngs rngs(0);
  RNN<SimpleCell> rnn(SimpleCell({.hidden_features = 5, .residual = true}, rngs));
  const Tensor x = wavy({2, 7, 3});
  initialize(rnn, x);
  const Tensor backwards = rnn(flip(x, 1));
  rnn.reverse = true;
  CHECK(largest_difference(rnn(x), backwards) < 1e-6);
  rnn.keep_order = true;
  CHECK(largest_difference(rnn(x), flip(backwards, 1)) < 1e-6);
  CHECK(rnn(zeros({2, 0, 3})).shape() == Shape{2, 0, 5});
  CHECK(rnn(zeros({0, 7, 3})).shape() == Shape{0, 7, 5});
  const Tensor y = rnn(x);
  rnn.time_major = true;
  CHECK(largest_difference(rnn(swapaxes(x, 0, 1)), swapaxes(y, 0, 1)) < 1e-6);
}

TEST_CASE("bidirectional puts both runs side by side") {
  Rngs rngs(0);
  Bidirectional<GRUCell> both(GRUCell({.hidden_features = 5}, rngs), GRUCell({.hidden_features = 5}, rngs));
  const Tensor x = wavy({2, 7, 3});
  initialize(both, x);
  auto result = both.run(x);
  CHECK(same_bits(result.outputs[{ellipsis, slice(0, 5)}], both.forward_rnn(x)));
  CHECK(largest_difference(result.outputs[{slice(), 0, slice(5, 10)}], result.backward_carry) == 0);
  CHECK(same_bits(clone(both)(x), result.outputs));
  CHECK_THAT(paths_of(module_ref(both)), Contains("backward_rnn.cell.dense_h.kernel"));
}

TEST_CASE("errors of recurrent layers name the layer") {
  Rngs rngs(0);
  RNN<GRUCell> rnn(GRUCell({.in_features = 3, .hidden_features = 5}, rngs));
  CHECK(error_of<ShapeError>([&] {
          rnn(zeros({2, 7, 4}));
        }) == "cell.dense_i: expected inputs with 3 features, got [2, 4]");
  CHECK(error_of<ShapeError>([&] {
          rnn(zeros({2, 7, 3}), {.initial_carry = zeros({1, 5})});
        }) == "cell: expected a carry [2, 5], got [1, 5]");
  CHECK_THAT(error_of<ShapeError>([&] { rnn(zeros({3})); }), Contains("[batch..., time, features]"));
  CHECK_THAT(error_of<ShapeError>([&] {
               rnn(zeros({2, 7, 3}), {.seq_lengths = arange(3)});
             }),
             Contains("seq_lengths [2]"));
  CHECK_THROWS_AS(rnn(zeros({2, 7, 3}), {.seq_lengths = zeros({2})}), DTypeError);
}
