#pragma once

#include <string_view>

#include <weft/core/tensor.hpp>

namespace weft {

namespace op {
/// Attributes of the primitives behind this page; they take no inputs and have no gradient.
struct Full {
  static constexpr std::string_view name = "full";
  Shape shape;
  double value = 0;
  DType dtype = DType::float32;
  bool operator==(const Full&) const = default;
};
struct Arange {
  static constexpr std::string_view name = "arange";
  double start = 0, step = 1;
  int64_t count = 0;
  DType dtype = DType::int32;
  bool operator==(const Arange&) const = default;
};
}  // namespace op

/// A tensor of `shape` with every element `value`.
Tensor full(const Shape& shape, double value, DType dtype = DType::float32, Device device = default_device());
Tensor zeros(const Shape& shape, DType dtype = DType::float32, Device device = default_device());
Tensor ones(const Shape& shape, DType dtype = DType::float32, Device device = default_device());

/// The same with the shape and device of `x`, and its dtype unless one is given. Of a shape without data, another one.
Tensor full_like(const Tensor& x, double value);
Tensor full_like(const Tensor& x, double value, DType dtype);
Tensor zeros_like(const Tensor& x);
Tensor zeros_like(const Tensor& x, DType dtype);
Tensor ones_like(const Tensor& x);
Tensor ones_like(const Tensor& x, DType dtype);

/// Zeros of another shape with the dtype and device of `like`, all of them one element in memory (stride 0).
Tensor zeros_view(const Tensor& like, const Shape& shape);

/// `[0, 1, ..., stop - 1]`, shape [stop].
Tensor arange(int64_t stop, DType dtype = DType::int32, Device device = default_device());
/// `start + i * step` for as long as that is short of `stop`, computed in double. Throws ValueError for a step of 0,
/// and for a start or step with a fraction where the dtype is an integer.
Tensor arange(double start, double stop, double step = 1, DType dtype = DType::int32, Device device = default_device());
/// `count` numbers from `start` to `stop`, the last one included unless `endpoint` is false; shape [count].
Tensor linspace(double start, double stop, int64_t count, DType dtype = DType::float32, bool endpoint = true,
                Device device = default_device());
/// Ones on diagonal `k` (above the main one when positive) of a zero matrix [rows, columns]; columns < 0 means square.
Tensor eye(int64_t rows, int64_t columns = -1, int64_t k = 0, DType dtype = DType::float32,
           Device device = default_device());

}  // namespace weft
