#include <catch2/catch.hpp>

#include <limits>

#include <weft/autograd/gradcheck.hpp>
#include <weft/autograd/ops/attention.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/slice.hpp>
#include <weft/core/parallel.hpp>
#include <weft/tests/support/close.hpp>

using namespace weft;
using namespace weft::testing;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN(),
                 infinity = std::numeric_limits<double>::infinity();

struct Problem {
  Tensor query, key, value;
  AttentionOptions options = {};
};

Shape joined(Shape batch, std::initializer_list<int64_t> rest) {
  for (int64_t extent : rest) batch.push_back(extent);
  return batch;
}

Problem problem(const Shape& batch, int64_t lq, int64_t lk, int64_t heads, int64_t kv_heads, int64_t d = 3,
                int64_t dv = 2) {
  return {spread(joined(batch, {lq, heads, d}), -1.5, 1.5), spread(joined(batch, {lk, kv_heads, d}), -1.5, 1.5, 1),
          spread(joined(batch, {lk, kv_heads, dv}), -1, 1, 2)};
}

Tensor to(const Tensor& tensor, Device device) { return tensor.defined() ? tensor.to(device) : tensor; }

/// Out, weights and logsumexp, then the gradients of query, key, value and (where they are there) bias, null key and
/// value.
Tensors results_on(const char* device, const Problem& p) {
  AttentionOptions options = p.options;
  for (Tensor* tensor : {&options.mask, &options.query_lengths, &options.key_lengths}) *tensor = to(*tensor, device);
  Tensors variables{to(p.query, device), to(p.key, device), to(p.value, device)};
  for (const Tensor& tensor : {p.options.bias, p.options.null_key, p.options.null_value})
    if (tensor.defined()) variables.push_back(to(tensor, device));
  VjpResult forward = vjp(
      [&](const Tensors& in) {
        size_t next = 3;
        if (options.bias.defined()) options.bias = in[next++];
        if (options.null_key.defined()) {
          options.null_key = in[next];
          options.null_value = in[next + 1];
        }
        AttentionResult result = attention_with_weights(in[0], in[1], in[2], options);
        return Tensors{result.out, result.weights, result.logsumexp};
      },
      variables);
  Tensors cotangents, results = forward.outputs;
  for (size_t i = 0; i < 3; ++i)
    cotangents.push_back(spread(results[i].shape(), -1, 1, 20 + static_cast<int>(i)).to(device));
  for (const Tensor& gradient : forward.pullback(cotangents)) results.push_back(gradient);
  return results;
}

/// The kernels of cpu and of the reference, and the composed form, must agree, in values and in gradients.
Tensors check_all_forms(const Problem& p, double tolerance = 1e-12) {
  int compared = 0;
  OpListener listener(
      [&](const Primitive& primitive, const void* op, std::span<const Tensor> inputs, std::span<const Tensor> outputs) {
        if (primitive.name() != "attention" && primitive.name() != "attention_grad") return;
        NoGrad guard;
        Tensors composed = primitive.composed(op, inputs);
        REQUIRE(composed.size() == outputs.size());
        for (size_t i = 0; i < composed.size(); ++i) {
          INFO(primitive.name() << ", composed, output " << i);
          check_close(composed[i].detach(), outputs[i], tolerance);
        }
        ++compared;
      });
  Tensors cpu = results_on("cpu", p), reference = results_on("reference", p);
  CHECK(compared == 4);
  for (size_t i = 0; i < cpu.size(); ++i) {
    INFO("cpu against reference, result " << i);
    check_close(cpu[i], reference[i], tolerance);
  }
  return cpu;
}

Tensor fill_bool(const Shape& shape, const std::vector<int>& values) {
  return cast(Tensor::from(std::vector<int32_t>(values.begin(), values.end()), shape), DType::boolean);
}

}  // namespace

TEST_CASE("attention is a softmax of scaled products", "[attention]") {
  Tensor q = Tensor::from<double>({1, 0}, {1, 1, 2}), k = Tensor::from<double>({1, 5, -1, 7}, {2, 1, 2}),
         v = Tensor::from<double>({1, 2, 3, 10, 20, 30}, {2, 1, 3});
  const double a = std::exp(1 / std::sqrt(2.0)), b = std::exp(-1 / std::sqrt(2.0)), w = a / (a + b);
  AttentionResult result = attention_with_weights(q, k, v);
  check_values(result.weights, {1, 1, 2}, {w, 1 - w}, 1e-14);
  check_values(result.out, {1, 1, 3}, {w + 10 * (1 - w), 2 * w + 20 * (1 - w), 3 * w + 30 * (1 - w)}, 1e-14);
  check_values(result.logsumexp, {1, 1}, {std::log(a + b)}, 1e-14);
}

TEST_CASE("masks of every broadcast shape mean the same in every form", "[attention]") {
  for (const Shape& batch : {Shape{}, Shape{2}, Shape{2, 3}}) {
    Problem p = problem(batch, 3, 5, 2, 2);
    const Shape full = joined(batch, {2, 3, 5});
    for (int dropped = 0; dropped <= full.rank(); ++dropped)
      for (int ones = 0; ones < 1 << (full.rank() - dropped); ++ones) {
        Shape shape = full.slice(dropped, full.rank());
        for (int axis = 0; axis < shape.rank(); ++axis)
          if (ones >> axis & 1) shape[axis] = 1;
        INFO("mask " << to_string(shape) << " for " << to_string(full));
        p.options.mask = spread_booleans(shape, ones);
        p.options.bias = Tensor();
        for (FullyMasked rule : {FullyMasked::zero, FullyMasked::uniform}) {
          p.options.fully_masked = rule;
          Tensors narrow = check_all_forms(p);
          Problem wide = p;
          wide.options.mask = broadcast_to(p.options.mask, full).copy();
          Tensors same = results_on("cpu", wide);
          for (size_t i = 0; i < same.size(); ++i) check_close(same[i], narrow[i], 0);
        }
        // The mask as a bias of 0 and -inf, and a bias of that shape.
        Problem biased = p;
        biased.options.fully_masked = FullyMasked::zero;
        p.options.fully_masked = FullyMasked::zero;
        biased.options.mask = Tensor();
        biased.options.bias = where(p.options.mask, zeros(shape, DType::float64), -infinity);
        Tensors by_bias = results_on("cpu", biased), by_mask = results_on("cpu", p);
        for (size_t i = 0; i < by_mask.size(); ++i) check_close(by_bias[i], by_mask[i], 1e-14);
        p.options.bias = spread(shape, -1, 1, 4);
        check_all_forms(p);
      }
  }
}

TEST_CASE("every option, alone and with others, in every form", "[attention]") {
  struct Lengths {
    int64_t query, key;
  };
  for (Lengths lengths : {Lengths{5, 5}, Lengths{3, 7}, Lengths{7, 3}, Lengths{1, 1}, Lengths{0, 3}, Lengths{3, 0}})
    for (int64_t kv_heads : {4, 2, 1}) {
      Problem plain = problem({2}, lengths.query, lengths.key, 4, kv_heads, 3, 5);
      INFO("Lq " << lengths.query << ", Lk " << lengths.key << ", kv heads " << kv_heads);
      for (int option = 0; option < 10; ++option) {
        INFO("option " << option);
        Problem p = plain;
        AttentionOptions& o = p.options;
        const bool all = option == 9;
        if (option == 0 || all) o.causal = Causal::bottom_right;
        if (option == 1) o.causal = Causal::top_left;
        if (option == 2 || all) o.window_left = 2;
        if (option == 3) o.window_left = 1, o.window_right = 0, o.causal = Causal::bottom_right;
        if (option == 4 || all) o.soft_cap = 1.5;
        if (option == 5 || all) o.scale = -0.3;
        if (option == 6 || all) o.key_lengths = Tensor::from<int32_t>({2, 0}, {2});
        if (option == 7 || all) o.query_lengths = Tensor::from<int32_t>({3, 1}, {2});
        if (option == 8 || all) {
          o.null_key = spread({kv_heads, 3}, -1, 1, 7);
          o.null_value = spread({kv_heads, 5}, -1, 1, 8);
        }
        check_all_forms(p);
        if (all) {
          o.mask = spread_booleans({2, 1, 1, lengths.key}, 9);
          o.bias = spread({4, 1, lengths.key}, -1, 1, 10);
        }
        o.dropout_rate = 0.4;
        o.dropout_key = {123456789012345, 6, 7};
        for (bool broadcast : {false, true}) {
          o.dropout_broadcast = broadcast;
          check_all_forms(p);
        }
      }
    }
}

TEST_CASE("float32 attention in every form, at sizes beyond a block", "[attention]") {
  Problem p = problem({2}, 67, 131, 4, 2, 37, 41);
  for (Tensor* tensor : {&p.query, &p.key, &p.value}) *tensor = cast(*tensor, DType::float32);
  p.options.causal = Causal::bottom_right;
  p.options.mask = spread_booleans({2, 1, 1, 131});
  check_all_forms(p, 2e-5);
  p.options.dropout_rate = 0.5;
  check_all_forms(p, 2e-5);
}

TEST_CASE("causal rules and windows mask what they say", "[attention]") {
  Problem p = problem({}, 2, 4, 1, 1);
  auto allowed = [&] {
    Tensor weights = attention_with_weights(p.query, p.key, p.value, p.options).weights;
    std::vector<int> seen;
    for (double weight : numbers(weights)) seen.push_back(weight > 0);
    return seen;
  };
  p.options.causal = Causal::top_left;
  CHECK(allowed() == std::vector<int>{1, 0, 0, 0, 1, 1, 0, 0});
  p.options.causal = Causal::bottom_right;
  CHECK(allowed() == std::vector<int>{1, 1, 1, 0, 1, 1, 1, 1});
  p.options.window_left = 1;
  CHECK(allowed() == std::vector<int>{0, 1, 1, 0, 0, 0, 1, 1});
  p.options.causal = Causal::none;
  CHECK(allowed() == std::vector<int>{1, 1, 1, 1, 1, 1, 1, 1});
  p.options.window_right = 0;
  CHECK(allowed() == std::vector<int>{1, 0, 0, 0, 1, 1, 0, 0});
  check_close(make_causal_mask(2, 4), fill_bool({2, 4}, {1, 0, 0, 0, 1, 1, 0, 0}), 0);
  check_close(make_causal_mask(2, 4, Causal::bottom_right), fill_bool({2, 4}, {1, 1, 1, 0, 1, 1, 1, 1}), 0);
}

TEST_CASE("a query that may attend to nothing gives zero, and exactly zero gradients", "[attention]") {
  for (const char* how : {"mask", "bias", "key length", "window", "bottom right", "query length"}) {
    INFO(how);
    const std::string what = how;
    Problem p = problem({1}, 5, 3, 2, 2);
    AttentionOptions& o = p.options;
    int64_t row = 0;
    if (what == "mask") o.mask = fill_bool({5, 1}, {0, 1, 1, 1, 1});
    if (what == "bias") o.bias = where(fill_bool({5, 1}, {0, 1, 1, 1, 1}), zeros({5, 1}, DType::float64), -infinity);
    if (what == "key length") o.key_lengths = Tensor::from<int32_t>({0}, {1});
    if (what == "window") o.window_left = 0, row = 4;
    if (what == "bottom right") o.causal = Causal::bottom_right;
    if (what == "query length") o.query_lengths = Tensor::from<int32_t>({4}, {1}), row = 4;
    // What the row holds must not matter.
    p.query = p.query.copy();
    for (int64_t i = 0; i < 6; ++i) p.query.mutable_data<double>()[row * 6 + i] = not_a_number;
    Tensors results = check_all_forms(p);
    auto all_zero = [](const Tensor& tensor) {
      for (double number : numbers(tensor))
        if (number != 0) return false;
      return true;
    };
    CHECK(all_zero(slice_axis(results[0], 1, row, row + 1)));
    CHECK(all_zero(slice_axis(results[3], 1, row, row + 1)));
    CHECK(numbers(results[2])[static_cast<size_t>(row * 2)] == -infinity);
    for (size_t i = 3; i < 6; ++i)
      for (double number : numbers(results[i])) CHECK(std::isfinite(number));
  }
}

TEST_CASE("a fully masked query averages all values when asked to, as Flax does", "[attention]") {
  Problem p = problem({}, 2, 3, 1, 1);
  p.options.mask = fill_bool({2, 1}, {0, 1});
  p.options.fully_masked = FullyMasked::uniform;
  Tensors results = check_all_forms(p);
  check_close(slice_axis(results[0], 0, 0, 1)[{0, 0}], mean(p.value[{slice(), 0}], 0), 1e-14);
  for (double number : numbers(slice_axis(results[3], 0, 0, 1))) CHECK(number == 0);
}

TEST_CASE("NaN and infinity in what is masked do not leak", "[attention]") {
  for (double poison : {not_a_number, infinity})
    for (const char* how : {"mask for all", "mask for some", "key length", "causal", "window", "bias"}) {
      INFO(how << ", " << poison);
      const std::string what = how;
      Problem p = problem({1}, 4, 5, 2, 1);
      AttentionOptions& o = p.options;
      // The last key is masked: for all queries, or for all but the last.
      const bool for_all = what == "mask for all" || what == "key length" || what == "bias";
      Tensor last = less(arange(5), 4);
      if (what == "mask for all") o.mask = last;
      if (what == "mask for some") o.mask = logical_or(last, equal(expand_dims(arange(4), 1), 3));
      if (what == "key length") o.key_lengths = Tensor::from<int32_t>({4}, {1});
      if (what == "bias") o.bias = where(last, zeros({5}, DType::float64), -infinity);
      if (what == "causal") o.causal = Causal::bottom_right;
      if (what == "window") o.window_right = 1;
      Problem bad = p;
      bad.key = p.key.copy();
      bad.value = p.value.copy();
      for (int64_t i = 0; i < 3; ++i) bad.key.mutable_data<double>()[4 * 3 + i] = poison;
      for (int64_t i = 0; i < 2; ++i) bad.value.mutable_data<double>()[4 * 2 + i] = poison;
      for (const char* device : {"cpu", "reference"}) {
        INFO(device);
        Tensors good_results = results_on(device, p), bad_results = results_on(device, bad);
        for (size_t i = 0; i < (for_all ? good_results.size() : 1); ++i) {
          INFO("result " << i);
          if (for_all) check_close(bad_results[i], good_results[i], 1e-14);
          else check_close(slice_axis(bad_results[i], 1, 0, 3), slice_axis(good_results[i], 1, 0, 3), 1e-14);
        }
        if (!for_all) check_close(slice_axis(bad_results[3], 1, 0, 3), slice_axis(good_results[3], 1, 0, 3), 1e-14);
      }
      Tensors composed;
      OpListener listener(
          [&](const Primitive& primitive, const void* op, std::span<const Tensor> inputs, std::span<const Tensor>) {
            if (primitive.name() != "attention") return;
            NoGrad guard;
            composed = primitive.composed(op, inputs);
          });
      Tensor good = attention(p.query, p.key, p.value, o);
      attention(bad.query, bad.key, bad.value, o);
      check_close(slice_axis(composed[0], 1, 0, 3), slice_axis(good, 1, 0, 3), 1e-14);
    }
}

TEST_CASE("gradcheck of attention through the kernels, first and second", "[attention]") {
  for (int option = 0; option < 6; ++option) {
    INFO("option " << option);
    Problem p = problem({2}, 3, 5, 2, option == 3 ? 1 : 2);
    AttentionOptions o;
    if (option == 1) o.mask = fill_bool({3, 5}, {1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1}), o.soft_cap = 2;
    if (option == 2) o.causal = Causal::bottom_right, o.key_lengths = Tensor::from<int32_t>({5, 2}, {2});
    if (option == 3) o.window_left = 1, o.query_lengths = Tensor::from<int32_t>({2, 3}, {2});
    if (option == 4) o.dropout_rate = 0.3, o.dropout_key = {5, 6, 7};
    if (option == 5) o.mask = fill_bool({3, 1}, {0, 1, 1}), o.fully_masked = FullyMasked::uniform;
    const bool with_null = option == 4;
    Tensors inputs{p.query, p.key, p.value, spread({2, 1, 5}, -1, 1, 5)};
    if (with_null) {
      inputs.push_back(spread({2, 3}, -1, 1, 6));
      inputs.push_back(spread({2, 2}, -1, 1, 7));
    }
    auto f = [&](const Tensors& in) {
      AttentionOptions options = o;
      options.bias = in[3];
      if (with_null) options.null_key = in[4], options.null_value = in[5];
      AttentionResult result = attention_with_weights(in[0], in[1], in[2], options);
      return Tensors{result.out, result.weights};
    };
    for (bool second : {false, true}) {
      GradcheckResult result = gradcheck(f, inputs, {.most_elements = 12, .second_order = second});
      INFO(result.message);
      CHECK(result.passed);
    }
  }
}

TEST_CASE("key and value broadcast over the batch, and are read where they stand", "[attention]") {
  Tensor q = spread({2, 3, 4, 2, 3}, -1, 1), k = spread({1, 3, 5, 2, 3}, -1, 1, 1),
         v = spread({1, 3, 5, 2, 2}, -1, 1, 2);
  Tensor wide_k = broadcast_to(k, {2, 3, 5, 2, 3}).copy(), wide_v = broadcast_to(v, {2, 3, 5, 2, 2}).copy();
  check_close(attention(q, k, v), attention(q, wide_k, wide_v), 0);
  Tensor fused = spread({2, 5, 3, 2, 4}, -1, 1);  // query, key and value side by side, as one projection gives them
  auto part = [&](int64_t i) { return fused[{ellipsis, i, slice(), slice()}]; };
  check_close(attention(part(0), part(1), part(2)), attention(part(0).copy(), part(1).copy(), part(2).copy()), 0);
  Tensor heads_first = transpose(spread({2, 2, 5, 3}, -1, 1), {0, 2, 1, 3});
  check_close(attention(heads_first, heads_first, heads_first),
              attention(heads_first.copy(), heads_first.copy(), heads_first.copy()), 0);
}

TEST_CASE("mask helpers", "[attention]") {
  Tensor queries = Tensor::from<int32_t>({1, 1, 0, 1, 0, 0}, {2, 3}),
         keys = Tensor::from<int32_t>({1, 0, 1, 1}, {2, 2});
  Tensor mask = make_attention_mask(queries, keys);
  check_close(mask, fill_bool({2, 1, 3, 2}, {1, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0}), 0);
  CHECK(mask.dtype() == DType::boolean);
  check_close(combine_masks({mask, Tensor(), make_causal_mask(3, 2)}),
              fill_bool({2, 1, 3, 2}, {1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0}), 0);
  CHECK_FALSE(combine_masks({Tensor(), Tensor()}).defined());
  check_throws<ShapeError>([&] { make_attention_mask(queries, Tensor(1)); }, {"make_attention_mask", "[2, 3]", "[]"});
}

TEST_CASE("half types run through float32", "[attention]") {
  Problem p = problem({2}, 3, 5, 2, 1);
  p.options.mask = spread_booleans({5});
  Tensor expected = attention(p.query, p.key, p.value, p.options);
  Tensor got = attention(cast(p.query, DType::bfloat16), cast(p.key, DType::bfloat16), cast(p.value, DType::bfloat16),
                         p.options);
  CHECK(got.dtype() == DType::bfloat16);
  check_close(got, expected, 3e-2);
}

TEST_CASE("attention gives the same bits at any number of threads", "[attention][threads]") {
  const int before = num_threads();
  Problem p = problem({3}, 61, 67, 2, 1, 16, 16);
  p.options.dropout_rate = 0.2;
  std::vector<std::vector<double>> one;
  for (int threads : {1, 2, 4}) {
    set_num_threads(threads);
    Tensors results = results_on("cpu", p);
    for (size_t i = 0; i < results.size(); ++i) {
      if (threads == 1) one.push_back(numbers(results[i]));
      else CHECK(numbers(results[i]) == one[i]);
    }
  }
  set_num_threads(before);
}

TEST_CASE("attention names what does not fit", "[attention]") {
  Problem p = problem({2}, 3, 5, 4, 2);
  const Tensor &q = p.query, &k = p.key, &v = p.value;
  check_throws<ShapeError>([&] { attention(q[0], k, v); }, {"same rank", "[3, 4, 3]"});
  check_throws<ShapeError>([&] { attention(q[{0, 0}], k[{0, 0}], v[{0, 0}]); }, {"query", "[4, 3]"});
  check_throws<ShapeError>([&] { attention(spread({3, 3, 4, 3}, 0, 1), k, v); }, {"batch", "[3]", "[2, 5, 2, 3]"});
  check_throws<ShapeError>([&] { attention(q, k, slice_axis(v, 1, 0, 4)); },
                           {"as many values as keys", "[2, 4, 2, 2]"});
  check_throws<ShapeError>([&] { attention(spread({2, 3, 4, 7}, 0, 1), k, v); }, {"7 features", "[2, 5, 2, 3]"});
  check_throws<ShapeError>([&] { attention(slice_axis(q, 2, 0, 3), k, v); }, {"multiple", "3 and 2"});
  check_throws<ShapeError>([&] { attention(q, k, slice_axis(v, 2, 0, 1)); }, {"value heads", "[2, 5, 1, 2]"});
  auto with = [&](auto&& change) {
    AttentionOptions o;
    change(o);
    attention(q, k, v, o);
  };
  check_throws<ShapeError>([&] { with([](auto& o) {
                                   o.mask = spread_booleans({3, 4});
                                 }); },
                           {"mask", "[2, 4, 3, 5]", "[3, 4]"});
  check_throws<ShapeError>([&] { with([](auto& o) { o.bias = spread({3, 3, 5}, 0, 1); }); }, {"bias", "[3, 3, 5]"});
  check_throws<ShapeError>([&] { with([](auto& o) {
                                   o.key_lengths = Tensor::from<int32_t>({1, 2, 3}, {3});
                                 }); },
                           {"[3]"});
  check_throws<DTypeError>([&] { with([](auto& o) { o.key_lengths = spread({2}, 0, 1); }); },
                           {"key lengths", "float64"});
  check_throws<ValueError>([&] { with([](auto& o) { o.dropout_rate = 1.5; }); }, {"dropout", "1.5"});
  check_throws<ValueError>([&] { with([](auto& o) { o.window_left = -2; }); }, {"window", "-2"});
  check_throws<ValueError>([&] { with([](auto& o) { o.null_key = spread({2, 3}, 0, 1); }); }, {"null_value"});
  check_throws<ShapeError>(
      [&] {
        with([](auto& o) {
          o.null_key = spread({4, 3}, 0, 1);
          o.null_value = spread({2, 2}, 0, 1);
        });
      },
      {"null key", "[2, 3]", "[4, 3]"});
}
