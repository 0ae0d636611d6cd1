#include <weft/backends/cpu/conv.hpp>

#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "isa_helpers.hpp"

using namespace weft;
using namespace weft::cpu;
using namespace weft::test;

namespace {

/// With `output` worked out from the padding behind.
ConvAxis axis_of(int64_t input, int64_t window, int64_t stride, int64_t low, int64_t high, int64_t input_dilation,
                 int64_t kernel_dilation) {
  const int64_t padded = (input > 0 ? (input - 1) * input_dilation + 1 : 0) + low + high;
  const int64_t rest = padded - ((window - 1) * kernel_dilation + 1);
  return {input, window, rest < 0 ? 0 : rest / stride + 1, stride, low, input_dilation, kernel_dilation};
}

ConvShape shape_of(int64_t batch, std::vector<ConvAxis> axes, int64_t in, int64_t out, int64_t groups) {
  ConvShape shape;
  shape.axes = static_cast<int>(axes.size());
  for (size_t i = 0; i < axes.size(); ++i) shape.axis[i] = axes[i];
  shape.batch = batch, shape.in_features = in, shape.out_features = out, shape.groups = groups;
  return shape;
}

/// Calls f(x element, kernel element, y element) for every product in the definition.
template <class F> void for_products(const ConvShape& s, F&& f) {
  const int64_t in = s.in_features / s.groups, out = s.out_features / s.groups;
  int64_t windows = 1, outputs = 1;
  for (int i = 0; i < s.axes; ++i) windows *= s.axis[i].window, outputs *= s.axis[i].output;
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t p = 0; p < outputs; ++p)
      for (int64_t w = 0; w < windows; ++w) {
        int64_t p_rest = p, w_rest = w, place = 0, scale = 1;
        bool inside = true;
        for (int i = s.axes - 1; i >= 0; --i) {
          const ConvAxis& axis = s.axis[i];
          const int64_t at =
              p_rest % axis.output * axis.stride + w_rest % axis.window * axis.kernel_dilation - axis.low;
          p_rest /= axis.output, w_rest /= axis.window;
          inside = inside && at >= 0 && at % axis.input_dilation == 0 && at / axis.input_dilation < axis.input;
          place += at / axis.input_dilation * scale;
          scale *= axis.input;
        }
        if (!inside) continue;
        for (int64_t o = 0; o < s.out_features; ++o)
          for (int64_t i = 0; i < in; ++i)
            f((n * scale + place) * s.in_features + o / out * in + i, (w * in + i) * s.out_features + o,
              (n * outputs + p) * s.out_features + o);
      }
}

struct Sizes {
  int64_t x, kernel, y;
  explicit Sizes(const ConvShape& s)
      : x(s.batch * s.in_features), kernel(s.in_features / s.groups * s.out_features), y(s.batch * s.out_features) {
    for (int i = 0; i < s.axes; ++i) x *= s.axis[i].input, kernel *= s.axis[i].window, y *= s.axis[i].output;
  }
};

template <class T> void require_close(const std::vector<T>& got, const std::vector<double>& expected, double slack) {
  REQUIRE(got.size() == expected.size());
  double worst = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(got[i] - expected[i]);
    if (!(error <= worst)) worst = error;
  }
  REQUIRE(worst <= slack * (sizeof(T) == 4 ? 1e-4 : 1e-12));
}

template <class T> void check_conv(const ConvShape& shape, double slack = 1) {
  const Sizes sizes(shape);
  const auto x = random_values<T>(sizes.x, 1), kernel = random_values<T>(sizes.kernel, 2),
             d_y = random_values<T>(sizes.y, 3);
  std::vector<T> y(static_cast<size_t>(sizes.y), T(9)), d_x(static_cast<size_t>(sizes.x), T(9)),
      d_kernel(kernel.size(), T(9));
  conv_forward(shape, x.data(), kernel.data(), y.data());
  conv_input_gradient(shape, kernel.data(), d_y.data(), d_x.data());
  conv_kernel_gradient(shape, x.data(), d_y.data(), d_kernel.data());
  std::vector<double> y_expected(y.size()), d_x_expected(d_x.size()), d_kernel_expected(d_kernel.size());
  for_products(shape, [&](int64_t xi, int64_t ki, int64_t yi) {
    const auto i = static_cast<size_t>(xi), k = static_cast<size_t>(ki), o = static_cast<size_t>(yi);
    y_expected[o] += double(x[i]) * double(kernel[k]);
    d_x_expected[i] += double(d_y[o]) * double(kernel[k]);
    d_kernel_expected[k] += double(d_y[o]) * double(x[i]);
  });
  require_close(y, y_expected, slack);
  require_close(d_x, d_x_expected, slack);
  require_close(d_kernel, d_kernel_expected, slack);
}

}  // namespace

TEMPLATE_TEST_CASE("convolution along one axis agrees with its definition", "[conv]", float, double) {
  for (int64_t window : {1, 2, 3, 5})
    for (int64_t stride : {1, 2, 3})
      for (int64_t low : {0, 1, 4})
        for (int64_t high : {0, 2})
          for (int64_t input_dilation : {1, 2, 3})
            for (int64_t kernel_dilation : {1, 2})
              for (int64_t groups : {1, 3}) {
                INFO("window " << window << " stride " << stride << " low " << low << " high " << high << " dilations "
                               << input_dilation << ' ' << kernel_dilation << " groups " << groups);
                check_conv<TestType>(shape_of(
                    2, {axis_of(11, window, stride, low, high, input_dilation, kernel_dilation)}, 6, 9, groups));
              }
}

TEMPLATE_TEST_CASE("convolution along two and three axes agrees with its definition", "[conv]", float, double) {
  for_each_isa([](const std::string& isa) {
    INFO(isa);
    check_conv<TestType>(shape_of(3, {axis_of(13, 3, 1, 1, 1, 1, 1), axis_of(11, 3, 1, 1, 1, 1, 1)}, 5, 17, 1));
    check_conv<TestType>(shape_of(3, {axis_of(13, 3, 2, 0, 1, 1, 1), axis_of(11, 5, 3, 2, 2, 1, 2)}, 6, 10, 2));
    check_conv<TestType>(shape_of(2, {axis_of(7, 2, 1, 1, 0, 2, 1), axis_of(5, 3, 2, 3, 1, 3, 2)}, 3, 5, 1));
    check_conv<TestType>(shape_of(2, {axis_of(17, 1, 1, 0, 0, 1, 1), axis_of(19, 1, 1, 0, 0, 1, 1)}, 12, 8, 4));
    check_conv<TestType>(
        shape_of(2, {axis_of(9, 3, 1, 1, 1, 1, 1), axis_of(9, 3, 2, 1, 1, 1, 1)}, 23, 23, 23));  // depthwise
    check_conv<TestType>(shape_of(2, {axis_of(9, 3, 2, 1, 1, 2, 1), axis_of(9, 2, 1, 1, 1, 1, 1)}, 7, 7, 7));
    check_conv<TestType>(shape_of(2, {axis_of(9, 3, 1, 1, 1, 1, 1), axis_of(9, 3, 1, 1, 1, 1, 1)}, 5, 15, 5));
    check_conv<TestType>(shape_of(
        2, {axis_of(5, 2, 1, 1, 1, 1, 1), axis_of(6, 3, 2, 1, 0, 1, 1), axis_of(7, 3, 1, 2, 2, 1, 2)}, 3, 4, 1));
  });
}

TEST_CASE("convolution with a kernel too large for the caches, and images that share a box", "[conv]") {
  check_conv<float>(shape_of(5, {axis_of(7, 3, 1, 1, 1, 1, 1), axis_of(7, 3, 1, 1, 1, 1, 1)}, 257, 199, 1), 4);
  check_conv<float>(shape_of(67, {axis_of(5, 3, 1, 1, 1, 1, 1), axis_of(7, 3, 2, 1, 1, 1, 1)}, 5, 19, 1));
  check_conv<float>(shape_of(2, {axis_of(997, 3, 1, 1, 1, 1, 1)}, 13, 17, 1));
}

TEMPLATE_TEST_CASE("convolution with nothing to do", "[conv]", float, double) {
  check_conv<TestType>(shape_of(0, {axis_of(5, 3, 1, 1, 1, 1, 1)}, 3, 4, 1));
  check_conv<TestType>(shape_of(2, {axis_of(0, 3, 1, 1, 2, 1, 1)}, 3, 4, 1));  // padding alone
  check_conv<TestType>(shape_of(2, {axis_of(2, 5, 1, 0, 0, 1, 1)}, 3, 4, 1));  // no window fits
  check_conv<TestType>(shape_of(2, {axis_of(5, 3, 1, 1, 1, 1, 1)}, 0, 4, 1));
  check_conv<TestType>(shape_of(2, {axis_of(5, 3, 1, 1, 1, 1, 1)}, 3, 0, 1));
}

TEMPLATE_TEST_CASE("convolution gives the same bits at any number of threads", "[conv][threads]", float, double) {
  CpuGuard guard;
  for (const ConvShape& shape :
       {shape_of(5, {axis_of(23, 3, 1, 1, 1, 1, 1), axis_of(29, 3, 1, 1, 1, 1, 1)}, 13, 19, 1),
        shape_of(5, {axis_of(23, 3, 2, 1, 1, 1, 1), axis_of(29, 3, 2, 1, 1, 1, 1)}, 12, 18, 3),
        shape_of(5, {axis_of(23, 3, 1, 1, 1, 1, 1), axis_of(29, 3, 1, 1, 1, 1, 1)}, 31, 31, 31)}) {
    const Sizes sizes(shape);
    const auto x = random_values<TestType>(sizes.x, 1), kernel = random_values<TestType>(sizes.kernel, 2),
               d_y = random_values<TestType>(sizes.y, 3);
    std::vector<TestType> one_thread;
    for (int threads : {1, 2, 4}) {
      set_num_threads(threads);
      std::vector<TestType> all(static_cast<size_t>(sizes.y + sizes.x + sizes.kernel));
      conv_forward(shape, x.data(), kernel.data(), all.data());
      conv_input_gradient(shape, kernel.data(), d_y.data(), all.data() + sizes.y);
      conv_kernel_gradient(shape, x.data(), d_y.data(), all.data() + sizes.y + sizes.x);
      if (threads == 1) one_thread = all;
      REQUIRE(same_bits(all, one_thread));
    }
  }
}
