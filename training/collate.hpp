#pragma once

#include <algorithm>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/core/error.hpp>
#include <weft/core/tensor.hpp>

namespace weft {

// How samples become a batch. A dataset's sample is a struct of the user's own; next to it stands
//
//   Batch collate(const std::vector<Sample>& samples) {
//     return {stack(samples, &Sample::image), stack(samples, &Sample::label), pad_to_longest(samples, &Sample::words)};
//   }
//
// which DataLoader finds by argument-dependent lookup. All tensors are made in host memory.

template <class T>
concept TensorElement = std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, int32_t> ||
    std::is_same_v<T, int64_t> || std::is_same_v<T, bool>;

/// Equal-shaped host tensors as one, [tensors, shape...]. Throws ValueError when there is none, ShapeError, DTypeError
/// or DeviceError naming the first that differs.
Tensor stack_samples(const std::vector<Tensor>& tensors);
/// Tensors that differ in their first axis: [tensors, longest or `length`, rest...], filled up with `pad`. A `length`
/// below 0 means the longest. Throws as stack_samples, and ValueError when one is longer than `length`.
Tensor pad_samples(const std::vector<Tensor>& tensors, int64_t length, double pad);

/// Samples of different length, filled up to one: `values` [samples, length, rest...], `mask` boolean
/// [samples, length], true where a value is real, and `lengths` int64 [samples].
struct Padded {
  Tensor values, mask, lengths;
};

namespace detail {

/// A tensor of a scalar, a vector of scalars, or a tensor.
template <class T> Tensor sample_tensor(const T& value) {
  if constexpr (std::is_same_v<T, Tensor>) {
    return value;
  } else if constexpr (TensorElement<T>) {
    return Tensor::from(std::span<const T>(&value, 1), Shape{}, Device());
  } else {
    using Element = typename T::value_type;
    static_assert(TensorElement<Element>, "a field to collate is a Tensor, a number, or a vector of numbers");
    Tensor tensor = Tensor::empty(Shape{static_cast<int64_t>(value.size())}, dtype_of<Element>, Device());
    std::copy(value.begin(), value.end(), tensor.mutable_data<Element>());
    return tensor;
  }
}

template <class Sample, class Field>
std::vector<Tensor> field_tensors(const std::vector<Sample>& samples, Field field) {
  std::vector<Tensor> tensors;
  tensors.reserve(samples.size());
  for (const Sample& sample : samples) tensors.push_back(sample_tensor(std::invoke(field, sample)));
  return tensors;
}

Padded pad_with_mask(const std::vector<Tensor>& tensors, int64_t length, double pad);

}  // namespace detail

/// One field of all samples - a member pointer or a function of the sample, giving a Tensor, a number or a vector of
/// numbers - as a tensor [samples, field's shape...].
template <class Sample, class Field>
requires std::is_invocable_v<Field, const Sample&> Tensor stack(const std::vector<Sample>& samples, Field field) {
  return stack_samples(detail::field_tensors(samples, field));
}

/// The same for fields whose first axis differs: filled up with `pad` to the longest of the batch.
template <class Sample, class Field>
requires std::is_invocable_v<Field, const Sample&> Padded pad_to_longest(const std::vector<Sample>& samples,
                                                                         Field field, double pad = 0) {
  return detail::pad_with_mask(detail::field_tensors(samples, field), -1, pad);
}

/// The same, filled up to `length`; throws ValueError when a sample is longer.
template <class Sample, class Field>
requires std::is_invocable_v<Field, const Sample&> Padded pad_to_length(const std::vector<Sample>& samples, Field field,
                                                                        int64_t length, double pad = 0) {
  if (length < 0) throw ValueError("pad_to_length: expected a length of at least 0, got " + std::to_string(length));
  return detail::pad_with_mask(detail::field_tensors(samples, field), length, pad);
}

/// Samples that are tensors or numbers need no collate of their own: they become a tensor [samples, ...].
inline Tensor collate(const std::vector<Tensor>& samples) { return stack_samples(samples); }
template <TensorElement T> Tensor collate(const std::vector<T>& samples) {
  return stack(samples, [](T value) { return value; });
}
/// And pairs of them a pair of tensors.
template <class A, class B> std::pair<Tensor, Tensor> collate(const std::vector<std::pair<A, B>>& samples) {
  return {stack(samples, &std::pair<A, B>::first), stack(samples, &std::pair<A, B>::second)};
}

}  // namespace weft
