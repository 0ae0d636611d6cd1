#include <catch2/catch.hpp>

#include <filesystem>

#include <weft/autograd/ops/binary.hpp>
#include <weft/core/backend.hpp>
#include <weft/core/error.hpp>
#include <weft/tests/support/count_allocations.hpp>
#include <weft/tests/support/same_bits.hpp>
#include <weft/tests/support/temporary_folder.hpp>
#include <weft/weft.hpp>

using namespace weft;
using namespace weft::testing;

namespace {

struct Mlp {
  Linear first, second, last;
  WEFT_MODULE(Mlp, first, second, last)

  explicit Mlp(Rngs& rngs)
      : first({.in_features = 7, .out_features = 13}, rngs),
        second({.in_features = 13, .out_features = 11}, rngs),
        last({.in_features = 11, .out_features = 5}, rngs) {}

  Tensor operator()(const Tensor& x) { return last(gelu(second(relu(first(x))))); }
};

Tensor batch(int64_t rows, int64_t columns, uint64_t seed) { return normal({rows, columns}, RandomKey{seed, 0, 0}); }

void check_same_state(const State& a, const State& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    INFO(a.path(i));
    CHECK(a.path(i) == b.path(i));
    CHECK(same_bits(a.value(i), b.value(i)));
  }
}

}  // namespace

TEST_CASE("a jitted function gives what the function gives, for every shape", "[jit]") {
  auto f = [](const Tensor& x, const Tensor& y) { return mean(tanh(x * y + 2.0f) - sum(x, 0), -1); };
  auto g = jit(f);
  for (int64_t rows : {3, 5, 3, 1, 0}) {
    Tensor x = batch(rows, 7, 1), y = batch(rows, 7, 2);
    CHECK(same_bits(g(x, y), f(x, y)));
  }
  CHECK(g.plans() == 4);
}

TEST_CASE("a jitted training step leaves the bits that the eager one leaves", "[jit]") {
  Rngs a_rngs(3), b_rngs(3);
  Mlp a(a_rngs), b(b_rngs);
  Optimizer a_optimizer(
      a, adamw({.learning_rate = warmup_cosine_decay({.peak_value = 1e-2, .warmup_steps = 3, .decay_steps = 20})}));
  Optimizer b_optimizer(
      b, adamw({.learning_rate = warmup_cosine_decay({.peak_value = 1e-2, .warmup_steps = 3, .decay_steps = 20})}));
  auto step = [](Mlp& model, Optimizer& optimizer, const Tensor& x, const Tensor& y) {
    auto [loss, grads] = value_and_grad(model, [&] { return mean(softmax_cross_entropy(model(x), y)); });
    optimizer.update(grads);
    return loss;
  };
  auto jitted = jit([&](const Tensor& x, const Tensor& y) { return step(b, b_optimizer, x, y); });
  for (int i = 0; i < 7; ++i) {
    const int64_t rows = i == 4 ? 3 : 17;  // a ragged batch in between
    Tensor x = batch(rows, 7, static_cast<uint64_t>(i));
    Tensor y = randint({rows}, RandomKey{9, 0, static_cast<uint32_t>(i)}, 0, 5, DType::int32);
    Tensor expected = step(a, a_optimizer, x, y), got = jitted(x, y);
    INFO("step " << i);
    CHECK(same_bits(got, expected));
    check_same_state(state(b), state(a));
  }
  check_same_state(b_optimizer.state(), a_optimizer.state());
  CHECK(jitted.plans() == 2);
  INFO(jitted.describe());
  CHECK(jitted.describe().find("arena") != std::string::npos);
}

TEST_CASE("arguments may be structs, numbers, and tensors with gaps, results pairs and vectors", "[jit]") {
  auto f = jit([](const std::pair<Tensor, std::vector<Tensor>>& in, double factor, bool negate) {
    Tensor sum = in.first + in.second[0] * factor;
    if (negate) sum = -sum;
    return std::pair<Tensor, std::vector<Tensor>>{sum, {in.second[1] - sum, in.first}};
  });
  Tensor x = batch(5, 3, 1), y = transpose(batch(3, 5, 2)), z = batch(5, 6, 3)[{slice(), slice(0, 6, 2)}];
  for (double factor : {2.0, -3.0, 2.0})
    for (bool negate : {false, true}) {
      auto [sum, rest] = f(std::pair<Tensor, std::vector<Tensor>>{x, {y, z}}, factor, negate);
      Tensor expected = negate ? -(x + y * factor) : x + y * factor;
      CHECK(same_bits(sum, expected));
      CHECK(same_bits(rest[0], z - expected));
      CHECK(same_bits(rest[1], x));
      CHECK_FALSE(rest[1].storage() == x.storage());
    }
  CHECK(f.plans() == 4);
}

TEST_CASE("results stay as they are while somebody holds them", "[jit]") {
  auto f = jit([](const Tensor& x) { return x * 2.0f; });
  Tensor one = f(Tensor(1.0f)), two = f(Tensor(2.0f));
  f(Tensor(7.0f));
  CHECK(one.item() == 2);
  CHECK(two.item() == 4);
}

TEST_CASE("random streams stay live in a plan, and count on as they do outside", "[jit]") {
  Rngs a_rngs(5), b_rngs(5);
  Dropout a({.rate = 0.5f}, a_rngs), b({.rate = 0.5f}, b_rngs);
  auto jitted = jit([&](const Tensor& x) { return b(x) + b(x); });
  Tensor x = batch(31, 7, 1), before;
  for (int i = 0; i < 4; ++i) {
    Tensor got = jitted(x), expected = a(x) + a(x);
    CHECK(same_bits(got, expected));
    if (before.defined()) CHECK_FALSE(same_bits(got, before));
    before = got;
  }
  CHECK(jitted.plans() == 1);
  check_same_state(state(b), state(a));
}

TEST_CASE("batch statistics are written by every run, and eval() traces anew", "[jit]") {
  Rngs rngs(1);
  BatchNorm a({.num_features = 7}, rngs), b({.num_features = 7}, rngs);
  auto jitted = jit([&](const Tensor& x) { return b(x); });
  for (uint64_t i = 0; i < 3; ++i) {
    Tensor x = batch(13, 7, i);
    CHECK(same_bits(jitted(x), a(x)));
    check_same_state(state(b), state(a));
  }
  eval(a);
  eval(b);
  Tensor x = batch(13, 7, 9);
  CHECK(same_bits(jitted(x), a(x)));
  check_same_state(state(b), state(a));
}

TEST_CASE("a plan sees values that were loaded, and follows a model that moved", "[jit]") {
  Rngs rngs(2);
  auto model = std::make_unique<Mlp>(rngs);
  Tensor x = batch(3, 7, 1);
  Mlp* place = model.get();
  auto jitted = jit([&place](const Tensor& input) { return (*place)(input); });
  jitted(x);
  State other = state(*model);
  for (size_t i = 0; i < other.size(); ++i) other.value(i) = other.value(i) * 0.5f;
  update(*model, other);
  CHECK(same_bits(jitted(x), (*model)(x)));
  Mlp moved = std::move(*model);
  model.reset();
  CHECK(same_bits(jitted(x), moved(x)));  // cells are held, not addresses
  CHECK(jitted.plans() == 1);
}

TEST_CASE("a value of a parameter that was kept is not written over", "[jit]") {
  Rngs rngs(2);
  Mlp model(rngs);
  Optimizer optimizer(model, sgd({.learning_rate = 0.1}));
  auto step = jit([&](const Tensor& x) {
    auto [loss, grads] = value_and_grad(model, [&] { return mean(square(model(x))); });
    optimizer.update(grads);
    return loss;
  });
  Tensor x = batch(3, 7, 1);
  step(x);
  Tensor kept = model.first.kernel, copied = kept.copy();
  step(x);
  CHECK(same_bits(kept, copied));
  CHECK_FALSE(same_bits(model.first.kernel, copied));
}

TEST_CASE("an exception while tracing leaves the state alone and no plan behind", "[jit]") {
  Rngs rngs(2);
  Mlp model(rngs);
  State before = state(model);
  bool fails = true;
  auto f = jit([&](const Tensor& x) {
    model.first.kernel.set(model.first.kernel * 2.0f);
    if (fails) throw ValueError("not today");
    return model(x);
  });
  Tensor x = batch(3, 7, 1);
  CHECK_THROWS_AS(f(x), ValueError);
  check_same_state(state(model), before);
  CHECK(f.plans() == 0);
  fails = false;
  f(x);
  CHECK(same_bits(model.first.kernel, before["first.kernel"] * 2.0f));
}

TEST_CASE("state may change places, be given an argument, and appear in the results", "[jit]") {
  Param a(batch(2, 3, 1)), b(batch(2, 3, 2));
  Tensor was_a = a.get().copy(), was_b = b.get().copy();
  auto f = jit([&](const Tensor& x) {
    Tensor old = a;
    a.set(b);
    b.set(old);
    Tensor both = a.get() + b.get() * x;
    return std::pair<Tensor, Tensor>{both, a};
  });
  auto [both, now] = f(Tensor(3.0f));
  CHECK(same_bits(a, was_b));
  CHECK(same_bits(b, was_a));
  CHECK(same_bits(now, was_b));
  CHECK(same_bits(both, was_b + was_a * 3.0f));
  f(Tensor(3.0f));
  CHECK(same_bits(a, was_a));
  CHECK(same_bits(now, was_b));
}

TEST_CASE("what cannot be traced says so", "[jit]") {
  Tensor x = batch(3, 7, 1);
  auto reads = jit([](const Tensor& y) { return y * (sum(y).item() > 0 ? 1.0f : 2.0f); });
  CHECK_THROWS_WITH(reads(x),
                    Catch::Contains("item: the elements of float32[]") && Catch::Contains("while jit traces"));
  auto writes = jit([](const Tensor& y) {
    Tensor target = zeros({3, 7});
    target.assign(y);
    return target;
  });
  CHECK_THROWS_WITH(writes(x), Catch::Contains("assign"));
  Tensor escaped;
  auto leaks = jit([&](const Tensor& y) {
    escaped = y + 1.0f;
    return y;
  });
  leaks(x);
  CHECK_THROWS_WITH(escaped + 1.0f, Catch::Contains("left a function while jit traced it"));
  Rngs rngs(0);
  auto forks = jit([&](const Tensor& y) {
    rngs.fork();
    return y;
  });
  CHECK_THROWS_AS(forks(x), StateError);
}

TEST_CASE("a captured tensor is frozen, and may not be changed in place", "[jit][host]") {
  Tensor table = batch(3, 7, 4), x = batch(3, 7, 1);
  auto f = jit([&](const Tensor& y) { return y + table; });
  Tensor expected = x + table;
  CHECK(same_bits(f(x), expected));
  CHECK(f.describe().find("float32[3, 7] (add)") != std::string::npos);
  table.mutable_data<float>()[0] = 3;
  CHECK_THROWS_WITH(f(x), Catch::Contains("float32[3, 7], which add took as it was"));
}

TEST_CASE("indices among the arguments are looked at before every run, and nothing is written", "[jit][host]") {
  Rngs rngs(2);
  Embed embed({.num_embeddings = 11, .features = 3}, rngs);
  Optimizer optimizer(embed, sgd({.learning_rate = 0.1}));
  auto step = jit([&](const Tensor& ids, const Tensor& labels) {
    auto [loss, grads] = value_and_grad(embed, [&] { return mean(softmax_cross_entropy(embed(ids), labels)); });
    optimizer.update(grads);
    return loss;
  });
  auto ids = [](std::vector<int32_t> values) { return Tensor::from(values, {3}); };
  step(ids({1, 2, 10}), ids({0, 1, 2}));
  State before = state(embed);
  CHECK_THROWS_WITH(step(ids({1, 11, 0}), ids({0, 1, 2})), Catch::Contains("index 11 out of range for an axis of 11"));
  CHECK_THROWS_AS(step(ids({1, 1, 0}), ids({0, 3, 2})), IndexError);
  check_same_state(state(embed), before);
}

TEST_CASE("jit within gradients, within jit, and in a shape-only run is the function itself", "[jit]") {
  auto inner = jit([](const Tensor& x) { return sum(square(x)); });
  Tensor x = batch(3, 7, 1);
  Tensor gradient = grad([&](const Tensor& y) { return inner(y); }, x);
  CHECK(same_bits(gradient, grad([&](const Tensor& y) { return sum(square(y)); }, x)));
  CHECK(inner.plans() == 0);
  auto outer = jit([&](const Tensor& y) { return inner(y) + 1.0f; });
  CHECK(same_bits(outer(x), sum(square(x)) + 1.0f));
  CHECK(inner.plans() == 0);
  CHECK(inner(Tensor::meta({3, 7})).is_meta());
}

TEST_CASE("remat, half types, control by numbers and constants go into a plan", "[jit]") {
  Tensor x = batch(5, 7, 1);
  auto f = [](const Tensor& y) {
    auto g = remat([](const Tensors& in) { return Tensors{tanh(in[0]) * in[0]}; });
    Tensor d = grad([&](const Tensor& z) { return sum(g({z})[0]); }, y);
    Tensor half = cast(y, DType::bfloat16) * cast(d, DType::bfloat16) + arange(7, DType::bfloat16);
    return cast(softmax(half, -1), DType::float32) + transpose(reshape(d, {7, 5}));
  };
  auto g = jit(f);
  for (int i = 0; i < 2; ++i) CHECK(same_bits(g(x), f(x)));
}

TEST_CASE("a plan is small in memory, and can be read and drawn", "[jit]") {
  auto f = jit([](const Tensor& x) {
    Tensor y = x;
    for (int i = 0; i < 20; ++i) y = matmul(tanh(y) * 2.0f, x);
    Tensor again = matmul(tanh(x) * 2.0f, x), unused = exp(x);
    return y + again;
  });
  Tensor x = batch(64, 64, 1);
  f(x);
  const std::string text = f.describe();
  INFO(text);
  CHECK(text.find("1 of no effect") != std::string::npos);
  CHECK(text.find("tanh + multiply") != std::string::npos);
  CHECK(text.find("arena: 48.0 KiB") != std::string::npos);
  test::TemporaryFolder folder;
  const std::string dot = folder.path() / "plan.dot";
  f.write_graph(dot);
  CHECK(std::filesystem::file_size(dot) > 1000);
  CHECK_THROWS_AS(f.write_graph(folder.path() / "plan.txt"), FileError);
}

TEST_CASE("a replayed step whose results are dropped asks for no memory", "[jit][host]") {
  Rngs rngs(3);
  Mlp model(rngs);
  Optimizer optimizer(model, chain(clip_by_global_norm(1.0), adamw({.learning_rate = 1e-3})));
  auto step = jit([&](const Tensor& x, const Tensor& y) {
    auto [loss, grads] = value_and_grad(model, [&] { return mean(softmax_cross_entropy(model(x), y)); });
    optimizer.update(grads);
    return loss;
  });
  Tensor x = batch(17, 7, 1), y = randint({17}, RandomKey{9, 0, 0}, 0, 5, DType::int32);
  for (int i = 0; i < 3; ++i) step(x, y);
  const int64_t requests = memory_stats().requests, news = allocations();
  for (int i = 0; i < 10; ++i) step(x, y);
  CHECK(allocations() == news);
  CHECK(memory_stats().requests == requests);
}

TEST_CASE("every kind of fusion gives the bits of the ops apart", "[jit]") {
  struct Block {
    Conv see;
    LayerNorm before, after;
    MultiHeadAttention attend;
    Linear up, down;
    Dropout drop;
    WEFT_MODULE(Block, see, before, after, attend, up, down, drop)

    explicit Block(Rngs& rngs)
        : see({.in_features = 3, .out_features = 16, .kernel_size = {3, 3}}, rngs),
          before({.num_features = 16}, rngs),
          after({.num_features = 16}, rngs),
          attend({.query_features = 16, .key_features = 16, .value_features = 16, .num_heads = 2}, rngs),
          up({.in_features = 16, .out_features = 24}, rngs),
          down({.in_features = 24, .out_features = 16}, rngs),
          drop({.rate = 0.25f}, rngs) {}

    Tensor operator()(const Tensor& image) {
      Scope scope(*this);
      Tensor x = reshape(relu(see(image)), {image.size(0), -1, 16});
      Tensor y = x + drop(attend(before(x)));
      return y + down(gelu(up(after(y))));
    }
  };
  Rngs a_rngs(7), b_rngs(7);
  Block a(a_rngs), b(b_rngs);
  Optimizer a_optimizer(a, chain(clip_by_global_norm(0.5), adamw({.learning_rate = 1e-2})));
  Optimizer b_optimizer(b, chain(clip_by_global_norm(0.5), adamw({.learning_rate = 1e-2})));
  auto step = [](Block& model, Optimizer& optimizer, const Tensor& x) {
    auto [loss, grads] = value_and_grad(model, [&] { return mean(square(model(x))); });
    optimizer.update(grads);
    return loss;
  };
  auto jitted = jit([&](const Tensor& x) { return step(b, b_optimizer, x); });
  for (uint64_t i = 0; i < 4; ++i) {
    Tensor x = normal({2, 5, 7, 3}, RandomKey{i, 0, 0});
    CHECK(same_bits(jitted(x), step(a, a_optimizer, x)));
    check_same_state(state(b), state(a));
  }
  const std::string text = jitted.describe();
  INFO(text);
  for (const char* fused :
       {"conv + relu", "add + layer_norm", "layer_norm_grad + add", "linear + gelu", "linear + add"})
    CHECK(text.find(fused) != std::string::npos);
  if (!default_device().backend().is_host()) return;  // others' kernels may ask for workspaces
  const int64_t requests = memory_stats().requests, news = allocations();
  Tensor x = normal({2, 5, 7, 3}, RandomKey{9, 0, 0});
  const int64_t own = allocations() - news, own_requests = memory_stats().requests - requests;
  for (int i = 0; i < 5; ++i) jitted(x);
  CHECK(allocations() - news == own);
  CHECK(memory_stats().requests - requests == own_requests);
}

TEST_CASE("a plan on another backend lays strided inputs out for kernels that need it", "[jit]") {
  DeviceScope scope("reference");
  Tensor x = batch(5 * 3, 7, 1).to("reference"), kernel = batch(7, 11, 2).to("reference");
  auto f = [&](const Tensor& at) {
    Tensor middle = slice_axis(reshape(at, {5, 3, 7}), 1, 1, 3);
    return cast(matmul(middle, kernel), DType::bfloat16) +
           broadcast_to(cast(sum(transpose(kernel)), DType::bfloat16), {1, 1, 11});
  };
  auto jitted = jit(f);
  for (int i = 0; i < 2; ++i)
    CHECK(same_bits(cast(jitted(x), DType::float32).to("cpu"), cast(f(x), DType::float32).to("cpu")));
}
