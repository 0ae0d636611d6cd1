// Reductions, norms and scans at sizes that take several parts, stages or blocks for a line.

#include <catch2/catch.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cumulative.hpp>
#include <weft/autograd/ops/norm.hpp>
#include <weft/autograd/ops/random.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/sort.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/tests/cuda/compare.hpp>
#include <weft/tests/support/op_samples.hpp>

using namespace weft;
using namespace weft::testing;

namespace {

/// f's result on the grid is near that on the cpu.
template <class F> void check_on_grid(const Tensor& x, double tolerance, const F& f) {
  check_near(Tensors{f(x.to(test::grid_device()))}, Tensors{f(x)}, tolerance);
}

Tensor numbers(const Shape& shape) { return normal(shape, RandomKey{7}); }

}  // namespace

TEST_CASE("cuda reductions cut long axes into parts", "[cuda]") {
  const Tensor row = numbers({2, 20011}), column = numbers({5003, 3}), both = numbers({67, 31, 41});
  for (const Tensor& x : {row, column}) {
    check_on_grid(x, 1e-3, [](const Tensor& t) { return sum(t, {1}); });
    check_on_grid(x, 1e-3, [](const Tensor& t) { return sum(t, {0}); });
    check_on_grid(x, 1e-3, [](const Tensor& t) { return sum(t); });
    check_on_grid(x, 0, [](const Tensor& t) { return max(t, {0}); });
    check_on_grid(x, 0, [](const Tensor& t) { return argmin(t, 1); });
    check_on_grid(x, 0, [](const Tensor& t) { return argmax(t, 0); });
    check_on_grid(x, 1e-5, [](const Tensor& t) { return logsumexp(t); });
  }
  check_on_grid(both, 1e-3, [](const Tensor& t) { return sum(t, {0, 2}); });
  check_on_grid(both, 1e-5, [](const Tensor& t) { return logsumexp(t, {0, 2}); });
}

TEST_CASE("cuda norms take rows longer than a block", "[cuda]") {
  check_on_grid(numbers({3, 1031}), 1e-5, [](const Tensor& t) { return layer_norm(t); });
  check_on_grid(numbers({2, 521}), 1e-5, [](const Tensor& t) { return rms_norm(t); });
}

TEST_CASE("cuda scans share a line among the threads of a block", "[cuda]") {
  const Tensor x = numbers({2, 5003, 2});
  for (bool reverse : {false, true}) {
    check_on_grid(x, 1e-3, [&](const Tensor& t) { return cumsum(t, 1, reverse); });
    check_on_grid(x, 1e-5, [&](const Tensor& t) { return cumlogsumexp(t, 1, reverse); });
    check_on_grid(x, 0, [&](const Tensor& t) { return cummax(t, 1, reverse, true); });
    check_on_grid(x, 1e-5, [&](const Tensor& t) { return linear_scan(t * 0.3, t, 1, reverse); });
  }
}

TEST_CASE("cuda sorts merge the tiles of long lines, stably", "[cuda]") {
  for (int64_t n : {1024, 2039, 4099}) {
    const Tensor x = numbers({n, 2}), coarse = floor(x * 3);
    for (bool descending : {false, true}) {
      check_on_grid(x, 0, [&](const Tensor& t) { return argsort(t, 0, descending); });
      check_on_grid(coarse, 0, [&](const Tensor& t) { return argsort(t, 0, descending); });
    }
  }
}
