// Scatters over several tiles of indices, ranges of places and stripes of columns: the CPU's bits.

#include <limits>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/scatter.hpp>
#include <weft/tests/cuda/compare.hpp>

using namespace weft;
using namespace weft::test;

namespace {

const DType types[] = {DType::float32, DType::float64, DType::bfloat16, DType::float16,
                       DType::int32,   DType::int64,   DType::boolean};

}  // namespace

// Small on purpose: the grid's threads take turns.

TEST_CASE("cuda scatters rows in index order", "[cuda]") {
  auto check = [](DType dtype, int64_t count, int64_t extent, int64_t width) {
    Tensor x = wave({extent, width}, dtype), ids = places({count}, extent), updates = wave({count, width}, dtype, 1);
    INFO(name_of(dtype) << ", width " << width);
    CHECK(same_bits(scatter_add(on_grid(x), on_grid(ids), on_grid(updates)), scatter_add(x, ids, updates)));
    CHECK(same_bits(scatter_set(on_grid(x), on_grid(ids), on_grid(updates)), scatter_set(x, ids, updates)));
    CHECK(same_bits(scatter_max(on_grid(x), on_grid(ids), on_grid(updates)), scatter_max(x, ids, updates)));
  };
  for (DType dtype : types) check(dtype, 1100, 5, 3);
  for (int64_t width : {1, 67, 300}) check(DType::float32, 2500, 7, width);
}

TEST_CASE("cuda scatters in blocks of many places", "[cuda]") {
  const int64_t extent = 2101;  // several places to each of the blocks that fill a GPU
  Tensor x = wave({extent}), ids = places({701}, extent), updates = wave({701}, DType::float32, 1);
  CHECK(same_bits(scatter_add(on_grid(x), on_grid(ids), on_grid(updates)), scatter_add(x, ids, updates)));
}

TEST_CASE("cuda scatters where most places get nothing, tile after tile", "[cuda]") {
  Tensor x = wave({3, 2}), ids = places({3001}, 1) + 1, updates = wave({3001, 2}, DType::float32, 1);
  CHECK(same_bits(scatter_add(on_grid(x), on_grid(ids), on_grid(updates)), scatter_add(x, ids, updates)));
}

TEST_CASE("cuda scatters along an axis inside, into views, and drops what is outside", "[cuda]") {
  Tensor x = wave({5, 17, 11}), ids = places({3, 400}, 40), updates = wave({5, 3, 400, 11}, DType::float32, 1);
  CHECK(same_bits(scatter_add(on_grid(x), on_grid(ids), on_grid(updates), 1, OutOfRange::fill),
                  scatter_add(x, ids, updates, 1, OutOfRange::fill)));
  CHECK(same_bits(scatter_add(on_grid(x), on_grid(ids), on_grid(updates), 1, OutOfRange::clip),
                  scatter_add(x, ids, updates, 1, OutOfRange::clip)));
  Tensor turned = wave({11, 17, 5});
  CHECK(same_bits(scatter_set(swapaxes(on_grid(turned), 0, 2), on_grid(ids), on_grid(updates), 1, OutOfRange::wrap),
                  scatter_set(swapaxes(turned, 0, 2), ids, updates, 1, OutOfRange::wrap)));
}

TEST_CASE("cuda keeps a NaN when it scatters the largest", "[cuda]") {
  Tensor x = wave({7, 3}), ids = places({2000}, 7), updates = wave({2000, 3}, DType::float32, 1);
  updates.mutable_raw_as<float>()[3 * 1234] = std::numeric_limits<float>::quiet_NaN();
  CHECK(same_bits(scatter_max(on_grid(x), on_grid(ids), on_grid(updates)), scatter_max(x, ids, updates)));
}

TEST_CASE("cuda sums segments, those without rows too", "[cuda]") {
  Tensor data = wave({2003, 19}), ids = places({2003}, 31);
  CHECK(same_bits(segment_sum(on_grid(data), on_grid(ids), 37), segment_sum(data, ids, 37)));
  CHECK(same_bits(segment_max(on_grid(data), on_grid(ids), 37), segment_max(data, ids, 37)));
}

TEST_CASE("cuda scatters elements, by columns and by blocks", "[cuda]") {
  auto check = [](DType dtype, const Shape& shape, int64_t count) {
    Shape many = shape;
    many[1] = count;
    Tensor x = wave(shape, dtype), which = places(many, shape[1]), updates = wave(many, dtype, 1);
    INFO(name_of(dtype) << " " << to_string(shape));
    CHECK(same_bits(add_along_axis(on_grid(x), on_grid(which), on_grid(updates), 1),
                    add_along_axis(x, which, updates, 1)));
    CHECK(same_bits(put_along_axis(on_grid(x), on_grid(which), on_grid(updates), 1),
                    put_along_axis(x, which, updates, 1)));
  };
  for (DType dtype : types) {
    check(dtype, {1, 5, 3}, 101);    // a column to a block
    check(dtype, {5, 41, 3}, 37);    // few indices: a column to a thread
    check(dtype, {2, 29, 67}, 301);  // many neighbouring columns
  }
  check(DType::float32, {3, 13, 1}, 2203);
}
