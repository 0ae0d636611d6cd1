#include <weft/autograd/ops/create.hpp>

#include <cmath>

#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/list.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

Specs full_shape(const op::Full& op, std::span<const Spec>) { return {{op.shape, op.dtype}}; }
Specs arange_shape(const op::Arange& op, std::span<const Spec>) { return {{Shape{op.count}, op.dtype}}; }

/// A host tensor whose element i is value(i), on the default device.
template <class F> Tensor tabulated(const Shape& shape, DType dtype, F&& value) {
  Tensor host = Tensor::empty(shape, dtype, Device());
  visit(dtype, [&]<class T>(std::type_identity<T>) {
    T* elements = host.mutable_data<T>();
    for (int64_t i = 0; i < host.elements(); ++i) {
      double number = value(i);
      if constexpr (is_half(dtype_of<T>)) elements[i] = T(static_cast<float>(number));
      else elements[i] = static_cast<T>(number);
    }
  });
  return host.to(default_device());
}

Tensors full_composed(const op::Full& op, std::span<const Tensor>) {
  return {tabulated(op.shape, op.dtype, [&](int64_t) { return op.value; })};
}
Tensors arange_composed(const op::Arange& op, std::span<const Tensor>) {
  return {tabulated(Shape{op.count}, op.dtype, [&](int64_t i) { return op.start + static_cast<double>(i) * op.step; })};
}

std::vector<Sample> full_samples() {
  return {sample(op::Full{{3, 5, 2}, 1.25, DType::float64}, {}), sample(op::Full{{}, -3, DType::int32}, {}),
          sample(op::Full{{7, 0}, 1, DType::float32}, {}),       sample(op::Full{{11}, 1, DType::boolean}, {}),
          sample(op::Full{{13}, 0.1, DType::bfloat16}, {}),      sample(op::Full{{13}, 0.1, DType::float16}, {}),
          sample(op::Full{{257, 521}, 9, DType::int64}, {})};
}
std::vector<Sample> arange_samples() {
  return {sample(op::Arange{0, 1, 17, DType::int32}, {}),       sample(op::Arange{-3, 2, 5, DType::int64}, {}),
          sample(op::Arange{0.5, -0.1, 7, DType::float64}, {}), sample(op::Arange{0.5, 0.1, 7, DType::float32}, {}),
          sample(op::Arange{0, 1, 0, DType::int32}, {}),        sample(op::Arange{1, 3, 5, DType::float16}, {})};
}

}  // namespace

void define_create() {
  define_primitive<op::Full>(
      {.shape = full_shape, .composed = full_composed, .samples = full_samples, .not_differentiable = true});
  define_primitive<op::Arange>(
      {.shape = arange_shape, .composed = arange_composed, .samples = arange_samples, .not_differentiable = true});
}

Tensor full(const Shape& shape, double value, DType dtype, Device device) {
  DeviceScope scope(device);
  return weft::apply(op::Full{shape, value, dtype}, std::span<const Tensor>());
}
Tensor zeros(const Shape& shape, DType dtype, Device device) { return full(shape, 0, dtype, device); }
Tensor ones(const Shape& shape, DType dtype, Device device) { return full(shape, 1, dtype, device); }

Tensor full_like(const Tensor& x, double value, DType dtype) {
  return x.is_meta() ? Tensor::meta(x.shape(), dtype) : full(x.shape(), value, dtype, x.device());
}
Tensor full_like(const Tensor& x, double value) { return full_like(x, value, x.dtype()); }
Tensor zeros_like(const Tensor& x) { return full_like(x, 0); }
Tensor zeros_like(const Tensor& x, DType dtype) { return full_like(x, 0, dtype); }
Tensor ones_like(const Tensor& x) { return full_like(x, 1); }
Tensor ones_like(const Tensor& x, DType dtype) { return full_like(x, 1, dtype); }

Tensor zeros_view(const Tensor& like, const Shape& shape) {
  if (like.is_meta()) return Tensor::meta(shape, like.dtype());
  return broadcast_to(zeros({}, like.dtype(), like.device()), shape);
}

Tensor arange(int64_t stop, DType dtype, Device device) {
  return arange(0.0, static_cast<double>(stop), 1.0, dtype, device);
}

Tensor arange(double start, double stop, double step, DType dtype, Device device) {
  double count = std::ceil((stop - start) / step);
  if (step == 0 || !(std::abs(count) < 0x1p62))
    throw ValueError("arange: expected finite ends, not too far apart for a step that is not 0, got " +
                     std::to_string(start) + ", " + std::to_string(stop) + " and step " + std::to_string(step));
  if (is_integer(dtype) && (start != std::floor(start) || step != std::floor(step)))
    throw ValueError("arange: expected whole numbers for " + std::string(name_of(dtype)) + ", got start " +
                     std::to_string(start) + " and step " + std::to_string(step));
  DeviceScope scope(device);
  return weft::apply(op::Arange{start, step, count > 0 ? static_cast<int64_t>(count) : 0, dtype},
                     std::span<const Tensor>());
}

Tensor linspace(double start, double stop, int64_t count, DType dtype, bool endpoint, Device device) {
  if (count < 0) throw ValueError("linspace: expected a count of 0 or more, got " + std::to_string(count));
  int64_t gaps = endpoint ? count - 1 : count;
  DeviceScope scope(device);
  return tabulated(Shape{count}, dtype, [&](int64_t i) {
    if (endpoint && i > 0 && i == gaps) return stop;
    return start + static_cast<double>(i) * ((stop - start) / static_cast<double>(gaps > 0 ? gaps : 1));
  });
}

Tensor eye(int64_t rows, int64_t columns, int64_t k, DType dtype, Device device) {
  if (columns < 0) columns = rows;
  DeviceScope scope(device);
  return tabulated(Shape{rows, columns}, dtype, [&](int64_t i) { return i % columns - i / columns == k ? 1.0 : 0.0; });
}

}  // namespace weft
