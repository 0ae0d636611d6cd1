// What cuDNN is told of a convolution, read back by a plain loop over extents and strides, against the reference.

#include <catch2/catch.hpp>

#include <weft/autograd/primitive.hpp>
#include <weft/backends/cuda/cudnn/conv_plan.hpp>
#include <weft/core/backend.hpp>
#include <weft/tests/cuda/compare.hpp>
#include <weft/tests/support/op_samples.hpp>

using namespace weft;
using namespace weft::cuda;
using namespace weft::test;

namespace {

struct Case {
  const char* what;
  Shape x, kernel;
  ConvGeometry geometry;
};

std::vector<Case> cases() {
  return {{"line", {2, 11, 3}, {3, 3, 5}, {{2}, {1}, {1}, {1}, {1}, 1}},
          {"line, padded on one side", {2, 11, 3}, {4, 3, 5}, {{1}, {3}, {0}, {1}, {1}, 1}},
          {"image", {2, 7, 5, 3}, {3, 2, 3, 5}, {{1, 2}, {1, 0}, {0, 1}, {1, 1}, {1, 1}, 1}},
          {"dilated image", {1, 11, 13, 2}, {3, 2, 2, 3}, {{2, 1}, {2, 3}, {1, 0}, {1, 1}, {3, 4}, 1}},
          {"groups", {2, 5, 7, 6}, {3, 3, 2, 9}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 3}},
          {"depthwise", {2, 5, 7, 6}, {3, 1, 1, 6}, {{2, 1}, {1, 0}, {1, 0}, {1, 1}, {1, 1}, 6}},
          {"volume", {1, 5, 3, 7, 2}, {2, 3, 2, 2, 3}, {{1, 1, 2}, {0, 1, 1}, {1, 1, 0}, {1, 1, 1}, {2, 1, 1}, 1}},
          {"transposed line", {2, 5, 3}, {4, 3, 5}, {{1}, {2}, {3}, {2}, {1}, 1}},
          {"transposed image", {2, 5, 4, 3}, {3, 2, 3, 5}, {{1, 1}, {1, 0}, {2, 1}, {2, 3}, {1, 1}, 1}},
          {"gaps along one axis", {1, 5, 4, 2}, {3, 3, 2, 3}, {{1, 1}, {3, 1}, {4, 2}, {1, 3}, {2, 1}, 1}},
          {"transposed volume",
           {1, 3, 2, 4, 2},
           {2, 3, 2, 2, 3},
           {{1, 1, 1}, {1, 2, 0}, {0, 1, 1}, {2, 1, 2}, {1, 2, 1}, 1}}};
}

/// Calls f(index) for all of `extents`.
template <class F> void for_each_index(const std::vector<int64_t>& extents, F&& f) {
  int64_t elements = 1;
  for (int64_t extent : extents) elements *= extent;
  std::vector<int64_t> index(extents.size());
  for (int64_t i = 0; i < elements; ++i) {
    int64_t rest = i;
    for (size_t axis = extents.size(); axis-- > 0; rest /= extents[axis]) index[axis] = rest % extents[axis];
    f(index);
  }
}

int64_t at(const CudnnTensor& tensor, const std::vector<int64_t>& index) {
  int64_t place = 0;
  for (size_t axis = 0; axis < index.size(); ++axis) place += index[axis] * tensor.strides[axis];
  return place;
}

/// Calls f(place in x, place in the filter, place in y) for every product, as cuDNN defines a cross-correlation.
template <class F> void for_each_product(const CudnnConv& conv, F&& f) {
  const int64_t groups = conv.x.extents[1] / conv.filter.extents[1], group_out = conv.filter.extents[0] / groups;
  for_each_index(conv.y.extents, [&](const std::vector<int64_t>& y) {
    for_each_index(conv.filter.extents, [&](const std::vector<int64_t>& filter) {
      if (filter[0] != y[1]) return;
      std::vector<int64_t> x{y[0], y[1] / group_out * conv.filter.extents[1] + filter[1]};
      for (size_t axis = 0; axis + 2 < y.size(); ++axis) {
        x.push_back(y[axis + 2] * conv.strides[axis] - conv.low[axis] + filter[axis + 2] * conv.dilations[axis]);
        if (x.back() < 0 || x.back() >= conv.x.extents[axis + 2]) return;
      }
      f(at(conv.x, x), at(conv.filter, filter), at(conv.y, y));
    });
  });
}

/// The copy between the memory of a kernel and of a filter.
std::vector<double> filter_of(const CudnnConv& conv, const Tensor& kernel) {
  std::vector<double> filter(static_cast<size_t>(kernel.elements()), 0.0);
  for_each_index(conv.filter.extents, [&](const std::vector<int64_t>& index) {
    filter[static_cast<size_t>(at(conv.filter, index))] =
        kernel.raw_as<double>()[conv.kernel_offset + at(conv.kernel, index)];
  });
  return filter;
}

std::vector<double> kernel_of(const CudnnConv& conv, const std::vector<double>& filter) {
  std::vector<double> kernel(filter.size(), 0.0);
  for_each_index(conv.filter.extents, [&](const std::vector<int64_t>& index) {
    kernel[static_cast<size_t>(conv.kernel_offset + at(conv.kernel, index))] =
        filter[static_cast<size_t>(at(conv.filter, index))];
  });
  return kernel;
}

template <class Op>
void check_reference(const Op& op, const Tensor& a, const Tensor& b, const std::vector<double>& sums) {
  const Tensor expected = apply(op, {a.to("reference"), b.to("reference")}).to("cpu");
  testing::check_near({Tensor::from(sums, expected.shape())}, {expected}, 1e-11);
}

}  // namespace

TEST_CASE("cuDNN is told the convolution that the reference computes", "[cuda]") {
  for (const Case& c : cases()) {
    INFO(c.what);
    Tensor x = wave(c.x, DType::float64), kernel = wave(c.kernel, DType::float64, 1);
    Tensor y = apply(op::Conv{c.geometry}, {x, kernel}), d_y = wave(y.shape(), DType::float64, 2);
    const auto conv = plan_cudnn_conv(c.geometry, x, kernel, y);
    REQUIRE(conv);
    for (size_t axis = 0; axis < conv->strides.size(); ++axis) {  // what cuDNN checks
      const int64_t padded = conv->x.extents[axis + 2] + conv->low[axis] + conv->high[axis];
      const int64_t window = (conv->filter.extents[axis + 2] - 1) * conv->dilations[axis] + 1;
      CHECK(conv->y.extents[axis + 2] == (padded - window) / conv->strides[axis] + 1);
    }

    const std::vector<double> filter = filter_of(*conv, kernel);
    const double *from_x = x.raw_as<double>(), *from_d_y = d_y.raw_as<double>();
    std::vector<double> of_y(static_cast<size_t>(y.elements())), of_x(static_cast<size_t>(x.elements())),
        of_filter(filter.size());
    for_each_product(*conv, [&](int64_t i, int64_t j, int64_t k) {
      if (conv->transposed) std::swap(i, k);
      of_y[static_cast<size_t>(k)] += from_x[i] * filter[static_cast<size_t>(j)];
      of_x[static_cast<size_t>(i)] += from_d_y[k] * filter[static_cast<size_t>(j)];
      of_filter[static_cast<size_t>(j)] += from_x[i] * from_d_y[k];
    });
    check_reference(op::Conv{c.geometry}, x, kernel, of_y);
    check_reference(op::ConvInputGrad{c.geometry, c.x.slice(1, c.x.rank() - 1)}, d_y, kernel, of_x);
    check_reference(op::ConvKernelGrad{c.geometry, c.kernel.slice(0, c.kernel.rank() - 2)}, x, d_y,
                    kernel_of(*conv, of_filter));
  }
}

TEST_CASE("filters lie as cuDNN reads them", "[cuda]") {
  const Case image = cases()[2];
  Tensor x = wave(image.x), kernel = wave(image.kernel);
  const auto conv = plan_cudnn_conv(image.geometry, x, kernel, apply(op::Conv{image.geometry}, {x, kernel}));
  REQUIRE(conv);
  CHECK(conv->x.extents == std::vector<int64_t>{2, 3, 7, 5});
  CHECK(conv->x.strides == std::vector<int64_t>{105, 1, 15, 3});
  CHECK(conv->filter.extents == std::vector<int64_t>{5, 3, 3, 2});
  CHECK(conv->filter.strides == std::vector<int64_t>{18, 1, 6, 3});
  CHECK(conv->kernel.strides == std::vector<int64_t>{1, 5, 30, 15});
}

TEST_CASE("cuDNN is left out of what it does not serve", "[cuda]") {
  auto served = [](const Shape& x, const Shape& kernel, const ConvGeometry& geometry) {
    Tensor from = wave(x), weights = wave(kernel);
    return plan_cudnn_conv(geometry, from, weights, apply(op::Conv{geometry}, {from, weights})).has_value();
  };
  CHECK(served({2, 7, 3}, {3, 3, 5}, {{1}, {1}, {1}, {1}, {1}, 1}));
  CHECK(served({2, 7, 3}, {3, 3, 5}, {{1}, {1}, {1}, {2}, {1}, 1}));
  CHECK_FALSE(served({2, 7, 3}, {3, 3, 5}, {{2}, {1}, {1}, {2}, {1}, 1}));  // gaps and strides
  CHECK_FALSE(served({2, 7, 4}, {3, 2, 6}, {{1}, {1}, {1}, {2}, {1}, 2}));  // gaps and groups
  CHECK_FALSE(served({2, 7, 3}, {3, 3, 5}, {{1}, {3}, {1}, {2}, {1}, 1}));  // more padding than a window reaches
  CHECK_FALSE(served({2, 7, 3}, {3, 3, 5}, {{1}, {-1}, {1}, {1}, {1}, 1}));
  CHECK_FALSE(served({2, 7, 3}, {3, 3, 5}, {{1}, {1}, {-1}, {1}, {1}, 1}));
  CHECK_FALSE(served({0, 7, 3}, {3, 3, 5}, {{1}, {1}, {1}, {1}, {1}, 1}));
  CHECK_FALSE(served({2, 2, 3}, {5, 3, 5}, {{1}, {1}, {1}, {1}, {1}, 1}));

  const ConvGeometry geometry{{1}, {1}, {1}, {1}, {1}, 1};
  Tensor x = wave({2, 7, 3}), kernel = wave({3, 3, 5}), memory = wave({43});
  Tensor shifted = memory.strided_view({2, 7, 3}, row_major_strides({2, 7, 3}), 1);
  CHECK_FALSE(plan_cudnn_conv(geometry, shifted, kernel, apply(op::Conv{geometry}, {x, kernel})));
}

TEST_CASE("cuDNN's plans are told apart", "[cuda]") {
  auto key = [](const Shape& x, const Shape& kernel, const ConvGeometry& geometry) {
    Tensor from = wave(x), weights = wave(kernel);
    const auto conv = plan_cudnn_conv(geometry, from, weights, apply(op::Conv{geometry}, {from, weights}));
    REQUIRE(conv);
    return conv->key();
  };
  const auto plain = key({2, 9, 6}, {3, 6, 6}, {{1}, {1}, {1}, {1}, {1}, 1});
  CHECK(plain == key({2, 9, 6}, {3, 6, 6}, {{1}, {1}, {1}, {1}, {1}, 1}));
  CHECK(plain != key({3, 9, 6}, {3, 6, 6}, {{1}, {1}, {1}, {1}, {1}, 1}));
  CHECK(plain != key({2, 9, 6}, {3, 6, 12}, {{1}, {1}, {1}, {1}, {1}, 1}));
  CHECK(plain != key({2, 9, 6}, {3, 2, 6}, {{1}, {1}, {1}, {1}, {1}, 3}));
  CHECK(plain != key({2, 9, 6}, {3, 6, 6}, {{2}, {1}, {1}, {1}, {1}, 1}));
  CHECK(plain != key({2, 9, 6}, {3, 6, 6}, {{1}, {2}, {0}, {1}, {1}, 1}));
  CHECK(plain != key({2, 9, 6}, {3, 6, 6}, {{1}, {1}, {2}, {1}, {1}, 1}));
  CHECK(plain != key({2, 9, 6}, {3, 6, 6}, {{1}, {1}, {1}, {1}, {2}, 1}));
}
