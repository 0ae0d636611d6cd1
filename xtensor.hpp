#pragma once

// Weft tensors and xtensor arrays. Apart from weft.hpp, which does not bring xtensor in.

#include <algorithm>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

// xtensor 0.26 moved its headers into folders.
#if __has_include(<xtensor/containers/xarray.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xarray.hpp>
#include <xtensor/views/xstrided_view.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xstrided_view.hpp>
#endif

#include <weft/core/tensor.hpp>

namespace weft {

namespace detail {

template <class Range> Shape shape_from(const Range& extents) {
  Shape shape;
  for (auto extent : extents) shape.push_back(static_cast<int64_t>(extent));
  return shape;
}

template <class T> auto xtensor_view(T* first, const Tensor& tensor) {
  // From the lowest to the highest address that the strides reach.
  int64_t low = 0, high = 0;
  std::vector<std::size_t> shape;
  std::vector<std::ptrdiff_t> strides;
  for (int axis = 0; axis < tensor.rank(); ++axis) {
    int64_t extent = tensor.shape()[axis], reach = std::max<int64_t>(extent - 1, 0) * tensor.strides()[axis];
    (reach < 0 ? low : high) += reach;
    shape.push_back(static_cast<std::size_t>(extent));
    strides.push_back(static_cast<std::ptrdiff_t>(extent == 1 ? 0 : tensor.strides()[axis]));
  }
  std::size_t count = tensor.elements() == 0 ? 0 : static_cast<std::size_t>(high - low + 1);
  auto memory = xt::adapt(first + low, count, xt::no_ownership(), std::vector<std::size_t>{count});
  return xt::strided_view(std::move(memory), std::move(shape), std::move(strides), static_cast<std::size_t>(-low),
                          xt::layout_type::dynamic);
}

}  // namespace detail

/// Takes over an array's memory without copying; strides and layout stay as they are.
template <class T, xt::layout_type L, class A, class S> Tensor from_xtensor(xt::xarray<T, L, A, S>&& array) {
  auto owner = std::make_shared<xt::xarray<T, L, A, S>>(std::move(array));
  return Tensor::adopt(owner->data(), detail::shape_from(owner->shape()), detail::shape_from(owner->strides()),
                       dtype_of<T>, [owner] {});
}

/// Copies an array, or evaluates an expression, into a new tensor.
template <class E> Tensor from_xtensor(const xt::xexpression<E>& expression) {
  using T = std::remove_cv_t<typename E::value_type>;
  const E& values = expression.derived_cast();
  Tensor tensor = Tensor::empty(detail::shape_from(values.shape()), dtype_of<T>, Device());
  std::copy(values.template begin<xt::layout_type::row_major>(), values.template end<xt::layout_type::row_major>(),
            tensor.mutable_data<T>());
  return tensor;
}

/// A tensor on the memory of an array or a strided view, without copying: it must not outlive that memory, and what is
/// written into one is seen in the other.
template <class E> Tensor borrow_xtensor(E& array) {
  using T = std::remove_cv_t<typename E::value_type>;
  static_assert(!std::is_const_v<std::remove_pointer_t<decltype(array.data())>>,
                "borrow_xtensor: a tensor could write into this constant array; from_xtensor copies it");
  return Tensor::adopt(array.data() + array.data_offset(), detail::shape_from(array.shape()),
                       detail::shape_from(array.strides()), dtype_of<T>, [] {});
}

/// A read-only xtensor view of a host tensor with its strides, valid while the tensor's memory lives. Throws DTypeError
/// when T is not the element type, DeviceError when it is not host memory.
template <class T> auto as_xtensor(const Tensor& tensor) { return detail::xtensor_view(tensor.data<T>(), tensor); }

/// The same to write through, which counts as one in-place change. Throws StateError for a tensor on a tape.
template <class T> auto as_mutable_xtensor(Tensor& tensor) {
  return detail::xtensor_view(tensor.mutable_data<T>(), tensor);
}

/// A copy as an array of its own, from any device.
template <class T> xt::xarray<T> to_xtensor(const Tensor& tensor) {
  Tensor host = tensor.to(Device()).contiguous();
  std::vector<std::size_t> shape(tensor.shape().begin(), tensor.shape().end());
  xt::xarray<T> array = xt::xarray<T>::from_shape(shape);
  std::copy_n(host.data<T>(), array.size(), array.data());
  return array;
}

}  // namespace weft
