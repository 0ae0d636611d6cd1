// Pools over more elements than the grid has threads, with NaN and ties.

#include <limits>

#include <weft/autograd/ops/pool.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/tests/cuda/compare.hpp>

using namespace weft;
using namespace weft::test;

namespace {

const PoolGeometry overlapping{{3, 2}, {2, 1}, {1, 0}, {1, 1}};

template <class Op> bool agrees(const Op& op, const Tensors& inputs) {
  Tensors moved;
  for (const Tensor& input : inputs) moved.push_back(on_grid(input));
  const Tensors got = apply_all(op, moved), expected = apply_all(op, inputs);
  bool same = got.size() == expected.size();
  for (size_t i = 0; i < expected.size(); ++i) same = same && same_bits(got[i], expected[i]);
  return same;
}

}  // namespace

TEST_CASE("cuda pools as the cpu does", "[cuda]") {
  for (DType dtype : {DType::float32, DType::float64, DType::bfloat16, DType::float16, DType::int32, DType::int64}) {
    INFO(name_of(dtype));
    Tensor x = wave({3, 23, 29, 17}, dtype);  // whole numbers have ties
    for (bool minimum : {false, true}) CHECK(agrees(op::ExtremePool{overlapping, minimum}, {x}));
    const Tensors pooled = apply_all(op::ExtremePool{overlapping}, {x});
    CHECK(agrees(op::PoolScatter{overlapping, {23, 29}}, {pooled[0], pooled[1]}));
    CHECK(agrees(op::PoolGather{overlapping}, {x, pooled[1]}));
    CHECK(agrees(op::SumPool{overlapping}, {x}));
    CHECK(agrees(op::SumPoolGrad{overlapping, {23, 29}}, {pooled[0]}));
  }
}

TEST_CASE("cuda pools keep the first NaN of a window", "[cuda]") {
  Tensor x = wave({2, 31, 37, 5});
  for (int64_t i = 0; i < x.elements(); i += 13) x.mutable_raw_as<float>()[i] = std::numeric_limits<float>::quiet_NaN();
  for (bool minimum : {false, true}) CHECK(agrees(op::ExtremePool{overlapping, minimum}, {x}));
}

TEST_CASE("cuda pools long rows", "[cuda]") {
  const PoolGeometry pairs{{2}, {2}, {0}, {0}};
  Tensor x = wave({1, 2 * 300007, 2});  // the result has more elements than a grid has threads
  CHECK(agrees(op::ExtremePool{pairs}, {x}));
  CHECK(agrees(op::SumPool{pairs}, {x}));
}
