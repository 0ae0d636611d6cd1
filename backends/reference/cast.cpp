#include <weft/autograd/ops/cast.hpp>

#include <cmath>
#include <limits>

#include <weft/backends/reference/places.hpp>
#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

using reference::for_each_place;

double widened(double x) { return x; }
float widened(float x) { return x; }
float widened(bfloat16 x) { return x; }
float widened(float16 x) { return x; }
int64_t widened(int32_t x) { return x; }
int64_t widened(int64_t x) { return x; }
int64_t widened(bool x) { return x; }

/// Towards zero, kept within the integer's range; NaN gives 0.
template <class To> To truncated_to(long double value) {
  if (std::isnan(value)) return 0;
  const long double low = std::numeric_limits<To>::min(), high = std::numeric_limits<To>::max();
  return static_cast<To>(std::fmin(std::fmax(std::trunc(value), low), high));
}

/// Calls f(i, place) for element i of the result and its place in x, in elements from x's first.
template <class F> void for_each_element(const Tensor& x, F&& f) {
  for_each_place(x.shape(), [&](int64_t i, const Shape& index) {
    int64_t place = 0;
    for (int axis = 0; axis < x.rank(); ++axis) place += index[axis] * x.strides()[axis];
    f(i, place);
  });
}

void cast_kernel(const KernelCall& call) {
  visit(call.inputs[0].dtype(), [&]<class From>(std::type_identity<From>) {
    visit(call.outputs[0].dtype(), [&]<class To>(std::type_identity<To>) {
      const From* x = call.inputs[0].raw_as<From>();
      To* y = call.outputs[0].mutable_raw_as<To>();
      for_each_element(call.inputs[0], [&](int64_t i, int64_t place) {
        auto value = widened(x[place]);
        if constexpr (std::is_same_v<To, bool>) y[i] = value != 0;
        else if constexpr (is_half(dtype_of<To>)) y[i] = To(static_cast<float>(value));
        else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<decltype(value)>)
          y[i] = truncated_to<To>(static_cast<long double>(value));
        else y[i] = static_cast<To>(value);
      });
    });
  });
}

void copy_kernel(const KernelCall& call) {
  visit(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    for_each_element(call.inputs[0], [&](int64_t i, int64_t place) {
      call.outputs[0].mutable_raw_as<T>()[i] = call.inputs[0].raw_as<T>()[place];
    });
  });
}

}  // namespace

void register_reference_cast(KernelTable& table) {
  table.add<op::Cast>(cast_kernel, all_types, /*strided=*/true);
  table.add<op::Copy>(copy_kernel, all_types, /*strided=*/true);
}

}  // namespace weft
