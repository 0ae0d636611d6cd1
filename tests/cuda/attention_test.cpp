// Attention and its gradient over tiles, pieces of features and short sequences, against `cpu`.

#include <limits>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/attention.hpp>
#include <weft/autograd/ops/random.hpp>
#include <weft/autograd/ops/samples.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/backends/cuda/cudnn/sdpa.hpp>
#include <weft/tests/cuda/compare.hpp>
#include <weft/tests/support/op_samples.hpp>

using namespace weft;
using namespace weft::test;
using weft::testing::as_dtype;
using weft::testing::check_near;
using weft::testing::tolerance_of;

namespace {

struct Sizes {
  int64_t batch, query_length, key_length, heads, kv_heads, head_dim, value_dim;
};

/// Several tiles, the last of them cut.
constexpr Sizes usual{2, 131, 149, 4, 2, 33, 47};

template <class Change> op::Attention with(Change&& change) {
  op::Attention op;
  op.scale = 0.3;
  change(op);
  return op;
}

Tensors inputs_of(const op::Attention& op, const Sizes& s, const Shape& mask = {}, const Shape& bias = {}) {
  Tensors in{spread({s.batch, s.query_length, s.heads, s.head_dim}, -1.5, 1.5),
             spread({s.batch, s.key_length, s.kv_heads, s.head_dim}, -1.5, 1.5, 1),
             spread({s.batch, s.key_length, s.kv_heads, s.value_dim}, -1, 1, 2)};
  if (op.has_mask) in.push_back(spread_booleans(mask, 5));
  if (op.has_bias) in.push_back(spread(bias, -1, 1, 6));
  if (op.has_query_lengths) in.push_back(spread_integers({s.batch}, 0, s.query_length + 1, DType::int32, 7));
  if (op.has_key_lengths) in.push_back(spread_integers({s.batch}, 0, s.key_length + 1, DType::int32, 8));
  if (op.has_null) {
    in.push_back(spread({s.kv_heads, s.head_dim}, -1, 1, 9));
    in.push_back(spread({s.kv_heads, s.value_dim}, -1, 1, 10));
  }
  if (op.has_dropout) in.push_back(key_tensor({91, 2, 3}));
  return in;
}

Tensors in_dtype(const Tensors& inputs, DType dtype) {
  Tensors result;
  for (const Tensor& x : inputs) result.push_back(is_floating(x.dtype()) ? as_dtype(x, dtype) : x);
  return result;
}

Tensors moved(const Tensors& tensors, Device device) {
  Tensors result;
  for (const Tensor& x : tensors) result.push_back(x.to(device));
  return result;
}

op::AttentionGrad gradient_of(const op::Attention& op) {
  return {op, 0b111u | (op.has_bias ? 0b1000u : 0u) | (op.has_null ? 0b110000u : 0u)};
}

/// What the gradient is called with: inputs, results, cotangents.
Tensors gradient_inputs(const Tensors& inputs, const Tensors& results) {
  Tensors all = inputs;
  all.insert(all.end(), results.begin(), results.end());
  for (size_t i = 0; i < results.size(); ++i)
    all.push_back(as_dtype(spread(results[i].shape(), -1, 1, 11 + static_cast<int>(i)), results[i].dtype())
                      .to(results[i].device()));
  return all;
}

/// The results, then the gradients.
Tensors results_on(Device device, const op::Attention& op, const Tensors& inputs) {
  Tensors here = moved(inputs, device), results = apply_all(op, std::span<const Tensor>(here));
  Tensors gradients = apply_all(gradient_of(op), std::span<const Tensor>(gradient_inputs(here, results)));
  results.insert(results.end(), gradients.begin(), gradients.end());
  return results;
}

/// Compares the grid with the cpu; sums of many terms in float32 lie further apart than one op's samples.
Tensors check(const op::Attention& op, const Tensors& inputs, DType dtype, double slack = 10) {
  const Tensors in = in_dtype(inputs, dtype);
  const Tensors got = results_on(grid_device(), op, in);
  INFO(name_of(dtype) << ", query " << to_string(in[0].shape()) << ", key " << to_string(in[1].shape()) << ", value "
                      << to_string(in[2].shape()));
  check_near(got, results_on("cpu", op, in), tolerance_of(dtype) * (is_half(dtype) ? 2 : slack));
  return got;
}

const op::Attention plain = with([](op::Attention&) {});

/// Every kind of mask at once.
op::Attention everything() {
  return with([](op::Attention& op) {
    op.causal = Causal::bottom_right;
    op.window_left = 90;
    op.soft_cap = 2;
    op.dropout_rate = 0.3;
    op.has_mask = op.has_bias = op.has_query_lengths = op.has_key_lengths = op.has_null = op.has_dropout = true;
  });
}

constexpr DType dtypes[] = {DType::float32, DType::float64, DType::bfloat16, DType::float16};

}  // namespace

TEST_CASE("cuda's attention gives the cpu's results for every size", "[cuda][attention]") {
  const Sizes sizes[] = {usual,
                         {1, 1, 67, 2, 2, 16, 16},
                         {1, 67, 1, 2, 1, 16, 16},
                         {1, 64, 128, 1, 1, 64, 64},
                         {2, 65, 33, 3, 3, 128, 128},
                         {1, 71, 41, 2, 1, 131, 150},
                         {1, 33, 200, 1, 1, 80, 16},
                         {1, 40, 40, 2, 2, 17, 1},
                         {0, 40, 40, 2, 2, 17, 1},
                         {2, 0, 40, 2, 2, 17, 1},
                         {2, 40, 0, 2, 2, 17, 1}};
  for (const Sizes& s : sizes)
    for (DType dtype : {DType::float32, DType::float64}) check(plain, inputs_of(plain, s), dtype);
}

TEST_CASE("cuda's attention takes every element type", "[cuda][attention]") {
  const op::Attention all = everything();
  for (DType dtype : dtypes) {
    check(plain, inputs_of(plain, {1, 131, 67, 2, 1, 64, 64}), dtype);
    check(all, inputs_of(all, usual, {2, 1, 131, 149}, {1, 4, 1, 149}), dtype);
  }
}

TEST_CASE("cuda's attention knows every mask", "[cuda][attention]") {
  using Op = op::Attention;
  const Op ops[] = {
      with([](Op& op) { op.causal = Causal::top_left; }),
      with([](Op& op) { op.causal = Causal::bottom_right; }),
      with([](Op& op) { op.window_left = 70; }),
      with([](Op& op) { op.window_left = 3, op.window_right = 5; }),
      with([](Op& op) { op.window_left = 0, op.causal = Causal::top_left; }),
      with([](Op& op) { op.window_left = op.window_right = std::numeric_limits<int64_t>::max(); }),
      with([](Op& op) { op.has_query_lengths = true; }),
      with([](Op& op) { op.has_key_lengths = true; }),
      with([](Op& op) { op.has_null = true, op.has_key_lengths = true; }),
      with([](Op& op) { op.soft_cap = 1.5; }),
      with([](Op& op) { op.has_mask = true; }),
      with([](Op& op) { op.has_mask = true, op.fully_masked = FullyMasked::uniform; }),
      with([](Op& op) {
        op.has_key_lengths = op.has_query_lengths = op.has_dropout = true;
        op.fully_masked = FullyMasked::uniform, op.dropout_rate = 0.2;
      }),
  };
  for (const Op& op : ops)
    for (bool with_weights : {false, true}) {
      Op asked = op;
      asked.with_weights = with_weights;
      check(asked, inputs_of(asked, {2, 131, 149, 2, 1, 16, 24}, {2, 1, 131, 149}), DType::float32);
      // More queries than keys, and too few for a tile.
      check(asked, inputs_of(asked, {1, 97, 43, 2, 1, 16, 16}, {1, 2, 97, 1}), DType::float64);
      check(asked, inputs_of(asked, {3, 13, 29, 4, 2, 24, 8}, {3, 1, 1, 29}), DType::float32);
    }
}

TEST_CASE("cuda's attention skips tiles that a mask forbids", "[cuda][attention]") {
  const op::Attention op = with([](op::Attention& o) { o.has_mask = true, o.has_bias = true; });
  Tensors in = inputs_of(op, {1, 150, 200, 2, 2, 16, 16}, {1, 1, 150, 200}, {1, 1, 1, 200});
  std::vector<bool> sees(150 * 200);
  for (size_t q = 0; q < 150; ++q)
    for (size_t k = 0; k < 200; ++k) sees[q * 200 + k] = (q < 70) == (k >= 130) && q != 100;
  std::vector<float> numbers(sees.begin(), sees.end());
  in[3] = as_dtype(Tensor::from(numbers, {1, 1, 150, 200}), DType::boolean);
  for (DType dtype : {DType::float32, DType::float64}) check(op, in, dtype);
}

TEST_CASE("cuda's attention sums the gradient of a bias along the axes that it lacks", "[cuda][attention]") {
  const Sizes s{2, 70, 67, 2, 1, 16, 16};
  const op::Attention op = with([](op::Attention& o) { o.has_bias = true, o.causal = Causal::top_left; });
  for (int ones = 0; ones < 16; ++ones) {
    Shape bias{s.batch, s.heads, s.query_length, s.key_length};
    for (int axis = 0; axis < 4; ++axis)
      if (ones >> axis & 1) bias[axis] = 1;
    INFO("bias " << to_string(bias));
    check(op, inputs_of(op, s, {}, bias), DType::float64);
    check(op, inputs_of(op, {1, 5, 7, 2, 1, 16, 16}, {}, {1, 2, bias[2] == 1 ? 1 : 5, bias[3] == 1 ? 1 : 7}),
          DType::float32);
  }
}

TEST_CASE("cuda's attention sees a single key of a tile", "[cuda][attention]") {
  // The first tile of queries sees one key of the second tile of keys; the second sees one of the first.
  const op::Attention ahead = with([](op::Attention&o) { o.has_bias = true, o.causal = Causal::bottom_right; }),
                      behind = with(
                          [](op::Attention&o) { o.has_bias = true, o.causal = Causal::top_left, o.window_left = 1; });
  for (DType dtype : {DType::float32, DType::float64}) {
    check(ahead, inputs_of(ahead, {1, 130, 131, 1, 1, 8, 8}, {}, {1, 1, 130, 131}), dtype);
    check(behind, inputs_of(behind, {1, 130, 130, 1, 1, 8, 8}, {}, {1, 1, 130, 130}), dtype);
  }
}

TEST_CASE("cuda's attention drops the weights that the cpu drops", "[cuda][attention]") {
  // Values that are the unit vectors: the result is the weights as dropout leaves them.
  for (int64_t n : {23, 79})
    for (bool shared : {false, true})
      for (double rate : {0.3, 1.0}) {
        const op::Attention op =
            with([&](op::Attention& o) { o.has_dropout = true, o.dropout_rate = rate, o.dropout_broadcast = shared; });
        Tensors in = inputs_of(op, {2, n + 1, n, 3, 3, 8, n});
        std::vector<float> units(static_cast<size_t>(2 * n * 3 * n));
        for (int64_t b = 0; b < 2; ++b)
          for (int64_t k = 0; k < n; ++k)
            for (int64_t h = 0; h < 3; ++h) units[static_cast<size_t>(((b * n + k) * 3 + h) * n + k)] = 1;
        in[2] = Tensor::from(units, {2, n, 3, n});
        const auto got = check(op, in, DType::float32)[0].to("cpu").to_vector<float>();
        const auto expected = results_on("cpu", op, in_dtype(in, DType::float32))[0].to_vector<float>();
        size_t zeros = 0, apart = 0;
        for (size_t i = 0; i < got.size(); ++i) {
          zeros += expected[i] == 0;
          apart += (got[i] == 0) != (expected[i] == 0);
        }
        CHECK(apart == 0);
        CHECK(zeros > got.size() / 5);
      }
}

TEST_CASE("cuda's attention lets no NaN out of what is masked", "[cuda][attention]") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  for (int64_t n : {17, 83}) {
    const Sizes s{1, n, n, 2, 1, 16, 24};
    const op::Attention op = with([](op::Attention& o) { o.has_mask = o.has_query_lengths = true; });
    Tensors in = in_dtype(inputs_of(op, s, {1, 1, 1, n}), DType::float32);
    auto poison = [&](size_t which, int64_t row) {
      const int64_t width = in[which].elements() / n;
      auto values = in[which].to_vector<float>();
      for (int64_t i = 0; i < width; ++i) values[static_cast<size_t>(row * width + i)] = nan;
      in[which] = Tensor::from(values, in[which].shape());
    };
    std::vector<float> sees(static_cast<size_t>(n), 1);
    for (int64_t k : {int64_t{0}, int64_t{7}, n - 1}) {
      sees[static_cast<size_t>(k)] = 0;
      poison(1, k);
      poison(2, k);
    }
    poison(0, n - 1);
    in[3] = as_dtype(Tensor::from(sees, {1, 1, 1, n}), DType::boolean);
    in[4] = Tensor::from(std::vector<int32_t>{static_cast<int32_t>(n - 1)}, {1});
    for (const Tensor& result : check(op, in, DType::float32))
      for (float value : result.to("cpu").to_vector<float>()) REQUIRE(!std::isnan(value));
  }
}

TEST_CASE("cuda's attention reads rows wherever they lie", "[cuda][attention]") {
  const Sizes s{2, 37, 41, 2, 2, 16, 16};
  for (int64_t length : {int64_t{37}, int64_t{9}}) {
    Tensors in = in_dtype(inputs_of(plain, {s.batch, length, s.key_length, 2, 2, 16, 16}), DType::float32);
    const Tensors expected = results_on("cpu", plain, in);
    Tensors here = moved(in, grid_device());
    for (Tensor& x : here) {
      // [B, heads, length, D] in memory, with one element before the first: rows that no four neighbours are read of.
      const Shape& shape = x.shape();
      Tensor memory = Tensor::empty({x.elements() + 1}, x.dtype(), x.device());
      Tensor view = memory.strided_view(shape, {shape[1] * shape[2] * shape[3], shape[3], shape[1] * shape[3], 1}, 1);
      copy_elements(x, view);
      x = view;
    }
    Tensors results = apply_all(plain, std::span<const Tensor>(here));
    Tensors gradients = apply_all(gradient_of(plain), std::span<const Tensor>(gradient_inputs(here, results)));
    results.insert(results.end(), gradients.begin(), gradients.end());
    check_near(results, expected, 2e-4);
  }
}

TEST_CASE("cuda's gradient of attention is written anew only for a cotangent of the logsumexp", "[cuda][attention]") {
  // The last has more rows than a block has threads.
  for (auto [batch, n] : {std::pair<int64_t, int64_t>{1, 11}, {1, 70}, {50, 11}})
    for (int others : {0, 1, 2}) {  // values that are not 0: none, one, all
      const bool zero = others == 0;
      const Tensors in = moved(in_dtype(inputs_of(plain, {batch, n, n, 2, 1, 16, 16}), DType::bfloat16), grid_device());
      const Tensors results = apply_all(plain, std::span<const Tensor>(in));
      Tensors all = gradient_inputs(in, results);
      std::vector<float> values(static_cast<size_t>(batch * n * 2));
      if (others == 1) values.back() = 2;
      if (others < 2) all.back() = Tensor::from(values, {batch, n, 2}).to(grid_device());
      const Tensors expected = apply_all(gradient_of(plain), std::span<const Tensor>(all));
      Tensors outputs;
      for (const Tensor& x : expected)
        outputs.push_back(
            as_dtype(Tensor::from(std::vector<float>(static_cast<size_t>(x.elements()), 5), x.shape()), x.dtype())
                .to(x.device()));
      cuda::attention_gradient_for_logsumexp(gradient_of(plain), all, outputs);
      for (size_t i = 0; i < outputs.size(); ++i) {
        if (!zero) CHECK(same_bits(outputs[i], expected[i]));
        else
          for (double value : as_dtype(outputs[i].to("cpu"), DType::float64).to_vector<double>()) REQUIRE(value == 5);
      }
    }
}
