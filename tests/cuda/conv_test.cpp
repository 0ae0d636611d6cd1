// Convolutions of several tiles, groups, strides, gaps and paddings, against `cpu`.

#include <weft/autograd/ops/conv.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/tests/cuda/matmul_cases.hpp>
#include <weft/tests/support/op_samples.hpp>

using namespace weft;
using namespace weft::test;

namespace {

struct Case {
  const char* what;
  Shape x, kernel;
  ConvGeometry geometry;
};

std::vector<Case> cases() {
  return {
      {"several tiles, four channels at once",
       {2, 11, 13, 20},
       {3, 3, 20, 72},
       {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}},
      {"nothing divides by four", {2, 11, 13, 5}, {3, 3, 5, 67}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}},
      {"few outputs", {2, 17, 19, 33}, {1, 1, 33, 5}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, {1, 1}, 1}},
      {"one channel", {3, 23, 23, 1}, {5, 5, 1, 24}, {{1, 1}, {2, 2}, {2, 2}, {1, 1}, {1, 1}, 1}},
      {"one output", {3, 23, 23, 8}, {5, 5, 8, 1}, {{1, 1}, {2, 2}, {2, 2}, {1, 1}, {1, 1}, 1}},
      {"stride and asymmetric padding", {2, 16, 22, 12}, {3, 3, 12, 20}, {{2, 2}, {0, 0}, {1, 1}, {1, 1}, {1, 1}, 1}},
      {"strides that share factors with dilations",
       {1, 31, 29, 4},
       {3, 4, 4, 20},
       {{4, 3}, {3, 2}, {2, 5}, {1, 1}, {2, 3}, 1}},
      {"windows beside each other", {2, 28, 28, 3}, {7, 7, 3, 24}, {{7, 7}, {0, 0}, {0, 0}, {1, 1}, {1, 1}, 1}},
      {"strides past the window", {2, 23, 17, 8}, {2, 1, 8, 20}, {{5, 3}, {1, 0}, {0, 2}, {1, 1}, {1, 1}, 1}},
      {"gaps in x", {2, 9, 7, 8}, {4, 4, 8, 20}, {{1, 1}, {2, 2}, {2, 2}, {2, 3}, {1, 1}, 1}},
      {"gaps, strides and dilations", {2, 9, 11, 4}, {3, 3, 4, 20}, {{2, 3}, {3, 1}, {2, 4}, {4, 2}, {3, 2}, 1}},
      {"negative padding", {2, 19, 15, 4}, {3, 3, 4, 20}, {{2, 1}, {-1, 2}, {1, -3}, {1, 1}, {1, 1}, 1}},
      {"large groups", {2, 11, 13, 24}, {3, 3, 12, 40}, {{2, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 2}},
      {"groups of odd sizes", {2, 11, 13, 9}, {3, 3, 3, 33}, {{1, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 3}},
      {"depthwise", {2, 23, 29, 40}, {3, 3, 1, 40}, {{2, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 2}, 40}},
      {"depthwise with multiplier and gaps",
       {2, 11, 13, 6},
       {3, 3, 1, 18},
       {{1, 2}, {1, 1}, {1, 1}, {2, 1}, {1, 1}, 6}},
      {"long", {2, 611, 8}, {7, 8, 20}, {{3}, {6}, {0}, {1}, {1}, 1}},
      {"strides of many phases", {1, 901, 4}, {3, 4, 20}, {{300}, {1}, {0}, {1}, {1}, 1}},
      {"places that 32 bits do not hold", {2, 5, 4}, {1, 4, 20}, {{1}, {0}, {0}, {1}, {3000000000}, 1}},
      {"volume", {1, 9, 7, 11, 8}, {3, 2, 3, 8, 20}, {{1, 2, 1}, {1, 0, 1}, {1, 1, 2}, {1, 1, 1}, {1, 1, 2}, 1}}};
}

Shape space_of(const Shape& x) { return x.slice(1, x.rank() - 1); }

template <class Op> void check(const char* name, const Op& op, const Tensors& inputs, DType dtype) {
  INFO(name << " " << name_of(dtype));
  Tensors there, here;
  for (const Tensor& input : inputs) {
    there.push_back(on_grid(input));
    here.push_back(is_half(dtype) ? as_dtype(input, DType::float32) : input);
  }
  Tensors expected;
  for (const Tensor& tensor : apply_all(op, here)) expected.push_back(as_dtype(tensor, dtype));
  // Sums of waves cancel: what float32 loses on the way is large beside some results. float64 shows that it is
  // rounding.
  const double slack = dtype == DType::float32 ? 20 : 1;
  with_and_without_libraries([&] { check_near(apply_all(op, there), expected, tolerance_of(dtype) * slack); });
}

}  // namespace

TEST_CASE("cuda convolves as the cpu does", "[cuda]") {
  for (DType dtype : {DType::float32, DType::float64, DType::bfloat16, DType::float16})
    for (const Case& c : cases()) {
      INFO(c.what);
      Tensor x = wave(c.x, dtype), kernel = wave(c.kernel, dtype, 1), bias = wave({c.kernel.back()}, dtype, 2);
      const Shape y = apply(op::Conv{c.geometry}, {wave(c.x), wave(c.kernel)}).shape();
      Tensor d_y = wave(y, dtype, 3);
      check("conv", op::Conv{c.geometry, true}, {x, kernel, bias}, dtype);
      check("conv_input_grad", op::ConvInputGrad{c.geometry, space_of(c.x)}, {d_y, kernel}, dtype);
      check("conv_kernel_grad", op::ConvKernelGrad{c.geometry, c.kernel.slice(0, c.kernel.rank() - 2)}, {x, d_y},
            dtype);
      if (dtype == DType::float32)
        check("fused_conv", op::FusedConv{c.geometry, true, op::Activation::relu}, {x, kernel, bias}, dtype);
    }
}

TEST_CASE("cuda adds a kernel's gradient in parts that the shapes alone decide", "[cuda]") {
  const op::ConvKernelGrad op{{{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}, {3, 3}};
  for (DType dtype : {DType::float32, DType::float64}) {
    Tensor x = wave({3, 37, 41, 4}, dtype), d_y = wave({3, 37, 41, 6}, dtype, 1);
    if (dtype == DType::float64) check("conv_kernel_grad", op, {x, d_y}, dtype);
    CHECK(same_bits(apply(op, {on_grid(x), on_grid(d_y)}), apply(op, {on_grid(x), on_grid(d_y)})));
  }
}

TEST_CASE("cuda convolves from memory that is not aligned", "[cuda]") {
  const ConvGeometry geometry{{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1};
  auto shifted = [](const Shape& shape, double phase) {  // contiguous, one element into its memory
    Tensor values = wave(shape, DType::float32, phase);
    Tensor memory = Tensor::empty({shape.elements() + 1}, DType::float32, grid_device());
    Tensor view = memory.strided_view(shape, row_major_strides(shape), 1);
    copy_elements(on_grid(values), view);
    return view;
  };
  Tensor x = shifted({2, 9, 11, 8}, 0), kernel = shifted({3, 3, 8, 20}, 1), d_y = shifted({2, 9, 11, 20}, 2);
  auto check_op = [](const auto& op, const Tensor& a, const Tensor& b) {
    check_near({apply(op, {a, b})}, {apply(op, {a.to("cpu"), b.to("cpu")})}, 2e-5);
  };
  check_op(op::Conv{geometry}, x, kernel);
  check_op(op::ConvInputGrad{geometry, {9, 11}}, d_y, kernel);
  check_op(op::ConvKernelGrad{geometry, {3, 3}}, x, d_y);
}
