#include <weft/backends/cpu/elementwise.hpp>

#include <array>
#include <numeric>
#include <vector>

#include <catch2/catch.hpp>

#include "isa_helpers.hpp"

using namespace weft;
using namespace weft::cpu;
using namespace weft::test;

namespace {

/// x - 2 y element by element through strided_pieces, compared with indices worked out one at a time.
template <class T> void check_pieces(const Shape& shape, const Strides& x_strides, const Strides& y_strides) {
  INFO(to_string(shape) << " strides " << to_string(x_strides) << ' ' << to_string(y_strides));
  int64_t before = 0, size = 1;
  for (const Strides* strides : {&x_strides, &y_strides}) {
    int64_t low = 0, high = 0;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      int64_t reach = (shape[axis] - 1) * (*strides)[axis];
      (reach < 0 ? low : high) += reach;
    }
    before = std::max(before, -low);
    size = std::max(size, high + 1);
  }
  std::vector<T> values(static_cast<size_t>(before + size));
  std::iota(values.begin(), values.end(), T(1));
  const T *x = values.data() + before, *y = x;
  std::vector<T> z(static_cast<size_t>(shape.elements()), T(77));
  std::vector<int> hits(z.size());
  const StridedInput inputs[] = {{x, x_strides, sizeof(T)}, {y, y_strides, sizeof(T)}};
  strided_pieces(shape, inputs, [&](const void* const* in, const int64_t* steps, int64_t offset, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      auto at = static_cast<size_t>(offset + i);
      z[at] =
          static_cast<T>(static_cast<const T*>(in[0])[i * steps[0]] - 2 * static_cast<const T*>(in[1])[i * steps[1]]);
      ++hits[at];
    }
  });
  bool right = true;
  for (int64_t i = 0; i < shape.elements(); ++i) {
    int64_t rest = i, x_at = 0, y_at = 0;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      x_at += rest % shape[axis] * x_strides[axis];
      y_at += rest % shape[axis] * y_strides[axis];
      rest /= shape[axis];
    }
    auto at = static_cast<size_t>(i);
    right = right && hits[at] == 1 && z[at] == static_cast<T>(x[x_at] - 2 * y[y_at]);
  }
  REQUIRE(right);
}

template <class T> void check_all_pieces() {
  check_pieces<T>({}, {}, {});
  check_pieces<T>({7}, {1}, {0});
  check_pieces<T>({0, 3}, {3, 1}, {3, 1});
  check_pieces<T>({5, 0}, {0, 1}, {1, 5});
  check_pieces<T>({100003}, {1}, {1});
  check_pieces<T>({100003}, {0}, {-1});
  check_pieces<T>({211, 307}, {307, 1}, {0, 1});    // a bias
  check_pieces<T>({211, 307}, {307, 1}, {1, 0});    // a column
  check_pieces<T>({211, 307}, {307, 1}, {1, 211});  // a transpose
  check_pieces<T>({20011, 3}, {3, 1}, {0, 1});
  check_pieces<T>({3, 20011}, {-20011, 1}, {20011, -1});
  check_pieces<T>({3, 5, 7, 11}, {385, 77, 11, 1}, {1, 0, 15, 3});
  check_pieces<T>({2, 3, 1, 5, 131}, {1965, 655, 655, 131, 1}, {0, 131, 9, 0, 1});
  check_pieces<T>({13, 17, 19}, {2 * 17 * 40, 40, 2}, {0, 0, 0});
}

}  // namespace

TEST_CASE("strided_pieces gives each element its inputs once", "[strided]") {
  check_all_pieces<float>();
  check_all_pieces<double>();
  check_all_pieces<int32_t>();
  check_all_pieces<int64_t>();
  check_all_pieces<uint8_t>();
}

TEST_CASE("strided_pieces on several threads", "[strided][threads]") {
  CpuGuard guard;
  for (int threads : {1, 2, 4}) {
    set_num_threads(threads);
    check_all_pieces<float>();
  }
}

TEST_CASE("plain_map broadcasts tensors of any strides", "[strided]") {
  Tensor x = Tensor::from<int32_t>(std::vector<int32_t>{1, 2, 3, 4, 5, 6}, {2, 3});
  Tensor columns = Tensor::from<int32_t>(std::vector<int32_t>{10, 20}, {2, 1});
  Tensor reversed = x.strided_view({2, 3}, {-3, -1}, 5);
  const std::vector<Tensor> inputs{reversed, columns};
  std::vector<Tensor> outputs{Tensor::empty({2, 3}, DType::int32)};
  plain_map<int32_t, int32_t, 2>({nullptr, inputs, outputs}, [](int32_t a, int32_t b) { return a + b; });
  REQUIRE(outputs[0].to_vector<int32_t>() == std::vector<int32_t>{16, 15, 14, 23, 22, 21});

  Tensor condition = Tensor::from<bool>(std::span<const bool>(std::array<bool, 3>{true, false, true}), {3});
  const std::vector<Tensor> choices{condition, x, columns};
  select_map<uint32_t>({nullptr, choices, outputs});
  REQUIRE(outputs[0].to_vector<int32_t>() == std::vector<int32_t>{1, 10, 3, 4, 20, 6});
}
