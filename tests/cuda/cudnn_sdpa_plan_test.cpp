// What cuDNN is told of attention, read back by plain loops; when it is not asked; and what is done to its results.

#include <cmath>
#include <limits>
#include <string>

#include <catch2/catch.hpp>

#include <weft/autograd/ops/attention.hpp>
#include <weft/autograd/ops/random.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/backends/cuda/attention_stats.hpp>
#include <weft/backends/cuda/cudnn/sdpa_plan.hpp>
#include <weft/tests/cuda/compare.hpp>
#include <weft/tests/support/op_samples.hpp>

using namespace weft;
using namespace weft::test;
using cuda::plan_sdpa, cuda::sdpa_refusal, cuda::SdpaPlan, cuda::SdpaTensor;
using weft::testing::as_dtype;
using weft::testing::check_near;

namespace {

struct Sizes {
  int64_t batch = 2, query_length = 7, key_length = 11, heads = 4, kv_heads = 2, head_dim = 16, value_dim = 24;
};

/// In memory as [B, heads, length, D], as [B, length, heads, D], or with gaps between rows.
enum class Order { heads_first, dense, gaps };

Tensor rows(int64_t batch, int64_t length, int64_t heads, int64_t features, Order order, int salt,
            DType dtype = DType::bfloat16) {
  const Tensor dense = as_dtype(spread({batch, length, heads, features}, -1.5, 1.5, salt), dtype);
  if (order == Order::dense) return dense;
  const int64_t row = order == Order::gaps ? features + 8 : features;
  const Strides strides = order == Order::gaps ? Strides{length * heads * row, heads * row, row, 1}
                                               : Strides{heads * length * row, row, length * row, 1};
  Tensor memory = Tensor::empty({batch * length * heads * row}, dtype);
  Tensor view = memory.strided_view(dense.shape(), strides, 0);
  copy_elements(dense, view);
  return view;
}

struct Call {
  op::Attention op;
  Tensors inputs;
  Tensor out;

  explicit Call(const Sizes& s = {}, Order order = Order::dense, DType dtype = DType::bfloat16)
      : inputs{rows(s.batch, s.query_length, s.heads, s.head_dim, order, 0, dtype),
               rows(s.batch, s.key_length, s.kv_heads, s.head_dim, order, 1, dtype),
               rows(s.batch, s.key_length, s.kv_heads, s.value_dim, order, 2, dtype)},
        out(Tensor::empty({s.batch, s.query_length, s.heads, s.value_dim}, dtype)) {
    op.scale = 0.3;
  }
  std::string refusal() const { return std::string(sdpa_refusal(op, inputs, out)); }
};

float element(const Tensor& x, const SdpaTensor& as, int64_t b, int64_t h, int64_t i, int64_t d) {
  const int64_t at = b * as.strides[0] + h * as.strides[1] + i * as.strides[2] + d * as.strides[3];
  return x.dtype() == DType::bfloat16 ? static_cast<float>(x.raw_as<bfloat16>()[at])
                                      : static_cast<float>(x.raw_as<float16>()[at]);
}

/// Attention as cuDNN documents it, on memory that is only known by the plan: out and stats.
void interpret(const SdpaPlan& plan, const Call& call, const int32_t* query_lengths, const int32_t* key_lengths,
               Tensor& out, Tensor& stats) {
  const auto [batch, heads, length, features] = plan.query.extents;
  const int64_t keys = plan.key.extents[2], group = heads / plan.key.extents[1], values = plan.value.extents[3];
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t q = 0; q < length; ++q) {
        const int64_t last = plan.causal == Causal::none       ? keys - 1
                             : plan.causal == Causal::top_left ? q
                                                               : q + keys - length;
        std::vector<double> weights(static_cast<size_t>(keys));
        double sum = 0;
        for (int64_t k = 0; k < keys; ++k) {
          if (k > last || (plan.has_lengths && (k >= key_lengths[b] || q >= query_lengths[b]))) continue;
          double dot = 0;
          for (int64_t d = 0; d < features; ++d)
            dot +=
                element(call.inputs[0], plan.query, b, h, q, d) * element(call.inputs[1], plan.key, b, h / group, k, d);
          sum += weights[static_cast<size_t>(k)] = std::exp(dot * plan.scale);
        }
        const SdpaTensor& s = plan.logsumexp;
        const double nothing = std::numeric_limits<double>::quiet_NaN();  // who knows what cuDNN leaves there
        stats.mutable_raw_as<float>()[b * s.strides[0] + h * s.strides[1] + q * s.strides[2]] =
            static_cast<float>(sum == 0 ? nothing : std::log(sum));
        for (int64_t d = 0; d < values; ++d) {
          double result = sum == 0 ? nothing : 0;
          for (int64_t k = 0; k < keys && sum > 0; ++k)
            result += weights[static_cast<size_t>(k)] / sum * element(call.inputs[2], plan.value, b, h / group, k, d);
          const SdpaTensor& o = plan.out;
          const int64_t at = b * o.strides[0] + h * o.strides[1] + q * o.strides[2] + d * o.strides[3];
          if (plan.dtype == DType::bfloat16) out.mutable_raw_as<bfloat16>()[at] = static_cast<float>(result);
          else out.mutable_raw_as<float16>()[at] = static_cast<float>(result);
        }
      }
}

/// Runs the plan through the loops and what stands around cuDNN, and compares with the reference.
void check_served(const Call& call) {
  INFO(to_string(call.inputs[0].spec()) << ", " << to_string(call.inputs[1].spec()));
  REQUIRE(call.refusal() == "");
  const SdpaPlan plan = plan_sdpa(call.op, call.inputs, call.out);
  CHECK(plan.dtype == call.inputs[0].dtype());
  const auto [batch, heads, length, features] = plan.query.extents;
  static_cast<void>(features);
  Tensor stats = Tensor::empty({batch, heads, length}, DType::float32),
         out = Tensor::empty(call.out.shape(), plan.dtype);
  cuda::SdpaLengths on_device;
  std::vector<int32_t> lengths[2];
  if (plan.has_lengths) {
    size_t next = 3;
    Tensor own[2];
    if (call.op.has_query_lengths) own[0] = on_grid(call.inputs[next++]);
    if (call.op.has_key_lengths) own[1] = on_grid(call.inputs[next++]);
    Tensor* filled[2] = {&on_device.query, &on_device.key};
    for (size_t i = 0; i < 2; ++i) {
      *filled[i] = on_grid(Tensor::from(std::vector<int32_t>(static_cast<size_t>(batch), -7), {batch}));
      cuda::fill_lengths(own[i], i == 0 ? length : plan.key.extents[2], *filled[i]);
      lengths[i] = filled[i]->to("cpu").to_vector<int32_t>();
    }
  }
  interpret(plan, call, lengths[0].data(), lengths[1].data(), out, stats);
  Tensor grid_out = on_grid(out), logsumexp = on_grid(as_dtype(spread({batch, length, heads}, 0, 1), DType::float32));
  cuda::logsumexp_from_stats(on_grid(stats), on_device, logsumexp, grid_out);
  Tensors moved;
  for (const Tensor& x : call.inputs) moved.push_back(x.to("reference"));
  check_near({grid_out, logsumexp}, apply_all(call.op, std::span<const Tensor>(moved)), 1e-2);
}

}  // namespace

TEST_CASE("cuDNN's attention is told where everything lies", "[cuda][cudnn_sdpa]") {
  for (Order order : {Order::dense, Order::heads_first, Order::gaps})
    for (DType dtype : {DType::bfloat16, DType::float16})
      for (const Sizes& s :
           {Sizes{}, Sizes{1, 7, 7, 3, 3, 8, 8}, Sizes{3, 1, 5, 4, 1, 128, 8}, Sizes{1, 9, 1, 2, 1, 24, 128}})
        check_served(Call(s, order, dtype));
}

TEST_CASE("cuDNN's attention is told of causality and lengths", "[cuda][cudnn_sdpa]") {
  for (Causal causal : {Causal::none, Causal::top_left, Causal::bottom_right}) {
    Call call;
    call.op.causal = causal;
    check_served(call);
    for (int which = 1; which < 4; ++which) {
      Call square(Sizes{4, 7, 7, 2, 1, 16, 8}, Order::heads_first);
      square.op.causal = causal;
      square.op.has_query_lengths = which & 1;
      square.op.has_key_lengths = which & 2;
      // Too long, too short, none.
      if (which & 1) square.inputs.push_back(Tensor::from(std::vector<int32_t>{3, 100, 7, 0}, {4}));
      if (which & 2) square.inputs.push_back(Tensor::from(std::vector<int32_t>{7, 2, -5, 4}, {4}));
      check_served(square);
      if (causal == Causal::bottom_right)
        CHECK(plan_sdpa(square.op, square.inputs, square.out).causal == Causal::top_left);
    }
  }
}

TEST_CASE("cuDNN's attention is left alone where it does not serve", "[cuda][cudnn_sdpa]") {
  auto refusal = [](auto&& change, const Sizes& s = {}, DType dtype = DType::bfloat16) {
    Call call(s, Order::dense, dtype);
    change(call);
    return call.refusal();
  };
  auto plain = [](Call&) {};
  CHECK(refusal(plain) == "");
  CHECK(refusal(plain, {}, DType::float32) == "float32 and float64 are computed as such");
  CHECK(refusal(plain, {}, DType::float64) == "float32 and float64 are computed as such");
  CHECK(refusal([](Call& c) {
          c.op.has_dropout = true, c.op.dropout_rate = 0.1;
          c.inputs.push_back(key_tensor({1, 2, 3}));
        }) == "its dropout draws other numbers");
  CHECK(refusal([](Call& c) {
          c.op.has_mask = true;
          c.inputs.push_back(spread_booleans({1, 1, 1, 11}));
        }) == "boolean masks");
  CHECK(refusal([](Call& c) {
          c.op.has_bias = true;
          c.inputs.push_back(as_dtype(spread({1, 1, 1, 11}, 0, 1), DType::bfloat16));
        }) == "biases, of which -inf masks");
  CHECK(refusal([](Call& c) {
          c.op.has_null = true;
          c.inputs.push_back(as_dtype(spread({2, 16}, 0, 1), DType::bfloat16));
          c.inputs.push_back(as_dtype(spread({2, 24}, 0, 1), DType::bfloat16));
        }) == "null slots");
  CHECK(refusal([](Call& c) { c.op.soft_cap = 1; }) == "soft caps");
  CHECK(refusal([](Call& c) { c.op.with_weights = true; }) == "the weights are asked for");
  CHECK(refusal([](Call& c) { c.op.window_left = 0; }) == "windows");
  CHECK(refusal([](Call& c) { c.op.window_right = 3; }) == "windows");
  auto lengths = [](Call& c) {
    c.op.has_key_lengths = true;
    c.inputs.push_back(Tensor::from(std::vector<int32_t>{3, 5}, {2}));
  };
  CHECK(refusal(lengths) == "");
  CHECK(refusal([&](Call& c) { lengths(c), c.op.fully_masked = FullyMasked::uniform; }) ==
        "queries without keys that attend to all");
  CHECK(refusal([](Call& c) { c.op.fully_masked = FullyMasked::uniform; }) == "");
  CHECK(refusal([&](Call& c) { lengths(c), c.op.causal = Causal::bottom_right; }) ==
        "bottom right causality with lengths");
  CHECK(refusal([](Call& c) { c.op.causal = Causal::bottom_right; }, {2, 12, 11, 4, 2, 16, 24}) ==
        "bottom right causality with more queries than keys");
  for (const Sizes& s : {Sizes{0, 7, 11, 4, 2, 16, 24}, Sizes{2, 0, 11, 4, 2, 16, 24}, Sizes{2, 7, 0, 4, 2, 16, 24}})
    CHECK(refusal(plain, s) == "nothing to compute");
  CHECK(refusal(plain, {2, 1, 1, 4, 2, 16, 24}) == "a single query and key");
  for (const Sizes& s : {Sizes{2, 7, 11, 4, 2, 12, 24}, Sizes{2, 7, 11, 4, 2, 16, 20}, Sizes{2, 7, 11, 4, 2, 136, 24}})
    CHECK(refusal(plain, s) == "heads whose size is not a multiple of 8 up to 128");
  const Strides dense{11 * 2 * 16, 2 * 16, 16, 1};
  for (const Strides& strides : {Strides{0, 32, 16, 1}, Strides{352, 32, 0, 1}, Strides{352, 32, 16, 2}})
    CHECK(refusal([&](Call& c) {
            c.inputs[1] = Tensor::empty({4096}, DType::bfloat16).strided_view({2, 11, 2, 16}, strides, 0);
          }) == "rows that are shared, reversed or have gaps");
  for (int64_t offset : {4, 1})
    CHECK(refusal([&](Call& c) {
            c.inputs[1] = Tensor::empty({4096}, DType::bfloat16).strided_view({2, 11, 2, 16}, dense, offset);
          }) == "rows that are not aligned to 16 bytes");
  CHECK(refusal([&](Call& c) {
          c.inputs[1] = Tensor::empty({4096}, DType::bfloat16).strided_view({2, 11, 2, 16}, {800, 36, 18, 1}, 0);
        }) == "rows that are not aligned to 16 bytes");
  // Strides of axes of extent 1 say nothing.
  CHECK(refusal(
            [&](Call& c) {
              c.inputs[1] = Tensor::empty({4096}, DType::bfloat16).strided_view({1, 11, 1, 16}, {0, 16, 3, 1}, 0);
            },
            {1, 7, 11, 4, 1, 16, 24}) == "");
}

TEST_CASE("cuDNN's attention has a plan for each kind of call", "[cuda][cudnn_sdpa]") {
  std::vector<std::vector<int64_t>> keys;
  auto add = [&](const Call& call) { keys.push_back(plan_sdpa(call.op, call.inputs, call.out).cache_key()); };
  add(Call());
  add(Call(Sizes{3}));
  add(Call({}, Order::heads_first));
  add(Call({}, Order::dense, DType::float16));
  Call scaled, causal, lengths;
  scaled.op.scale = 0.31;
  add(scaled);
  causal.op.causal = Causal::top_left;
  add(causal);
  lengths.op.has_key_lengths = true;
  lengths.inputs.push_back(Tensor::from(std::vector<int32_t>{3, 5}, {2}));
  add(lengths);
  for (size_t i = 0; i < keys.size(); ++i)
    for (size_t j = 0; j < i; ++j) CHECK(keys[i] != keys[j]);
  const Call again;
  CHECK(plan_sdpa(again.op, again.inputs, again.out).cache_key() == keys[0]);
}

TEST_CASE("the logsumexp goes to cuDNN's order, and rows past their lengths to 0", "[cuda][cudnn_sdpa]") {
  constexpr float none = -std::numeric_limits<float>::infinity();
  const Tensor logsumexp = Tensor::from(std::vector<float>{1, 2, 3, 4, none, 6, 7, 8, 9, 10, 11, none}, {2, 3, 2});
  Tensor stats = on_grid(as_dtype(spread({2, 2, 3}, 0, 1), DType::float32));
  cuda::stats_from_logsumexp(on_grid(logsumexp), stats);
  CHECK(stats.to("cpu").to_vector<float>() == std::vector<float>{1, 3, 0, 2, 4, 6, 7, 9, 11, 8, 10, 0});

  const Tensor lengths = on_grid(Tensor::from(std::vector<int32_t>{2, 3, 1}, {3}));
  const Tensor needed = on_grid(Tensor::from(std::vector<int32_t>{1, 0, 5}, {3}));
  for (DType dtype : {DType::bfloat16, DType::float16}) {
    Tensor x = on_grid(as_dtype(Tensor::from(std::vector<float>(3 * 3 * 2 * 4, 1), {3, 3, 2, 4}), dtype));
    cuda::clear_past_lengths(lengths, needed, x);
    const auto values = as_dtype(x.to("cpu"), DType::float32).to_vector<float>();
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t b = i / 24, row = i % 24 / 8;
      CHECK(values[i] == (b == 0 ? row < 2 : b == 2 && row < 1));
    }
  }
}
