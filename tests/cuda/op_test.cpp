// The kernels of the cuda backend on every primitive's samples, through the emulated thread grid or on a GPU.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

#include <catch2/catch.hpp>

#include <weft/autograd/primitive.hpp>
#include <weft/core/backend.hpp>
#include <weft/tests/cuda/compare.hpp>
#include <weft/tests/support/op_samples.hpp>

using namespace weft;
using namespace weft::testing;

namespace {

Tensors on_grid(const Tensors& inputs) {
  Tensors moved;
  for (const Tensor& input : inputs) moved.push_back(test::on_grid(input));
  return moved;
}

bool has_kernel(const Primitive& primitive) {
  return test::grid_device().backend().kernels().find(primitive.id()) != nullptr;
}

/// Whether this process is to look at the primitive: WEFT_TEST_SHARE=2/16 is the third of sixteen shares of them.
bool is_ours(const Primitive& primitive) {
  static const auto share = [] {
    std::pair<int, int> of{0, 1};
    if (const char* text = std::getenv("WEFT_TEST_SHARE")) std::sscanf(text, "%d/%d", &of.first, &of.second);
    return of;
  }();
  return static_cast<int>(primitive.id()) % std::max(share.second, 1) == share.first;
}

/// Calls check, whose exceptions are failures of this sample alone.
template <class F> void checked_alone(F&& check) {
  try {
    check();
  } catch (const std::exception& error) { FAIL_CHECK(error.what()); }
}

}  // namespace

TEST_CASE("every cuda kernel gives what the reference gives", "[cuda]") {
  int checked = 0;
  for (DType dtype : {DType::float64, DType::float32, DType::bfloat16, DType::float16}) {
    for_every_sample([&](const Primitive& primitive, const Sample& sample) {
      if (primitive.is_view || !has_kernel(primitive) || !is_ours(primitive)) return;
      if (!has_floats(sample) && dtype != DType::float64) return;
      INFO(name_of(dtype));
      checked_alone([&] {
        Tensors inputs = inputs_in(sample, dtype), got;
        try {
          got = apply(primitive, sample.op.get(), on_grid(inputs));
        } catch (const DTypeError&) {
          CHECK(is_half(dtype));
          return;
        }
        check_near(got, apply(primitive, sample.op.get(), on("reference", inputs)), tolerance_of(dtype) * sample.slack);
        ++checked;
      });
    });
  }
  CHECK((checked > 100 || std::getenv("WEFT_TEST_SHARE")));
}

TEST_CASE("every cuda kernel takes strided inputs", "[cuda]") {
  for_every_sample([&](const Primitive& primitive, const Sample& sample) {
    if (primitive.is_view || !has_kernel(primitive) || !is_ours(primitive)) return;
    checked_alone([&] {
      Tensors inputs = inputs_in(sample, DType::float32), strided;
      for (const Tensor& input : on_grid(inputs)) strided.push_back(scattered(input));
      check_near(apply(primitive, sample.op.get(), strided), apply(primitive, sample.op.get(), on_grid(inputs)),
                 1e-6 * sample.slack);
    });
  });
}
