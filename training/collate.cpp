#include <weft/training/collate.hpp>

#include <string>

#include <weft/core/backend.hpp>

namespace weft {
namespace {

/// Checks that dtype, device and the axes from `first_axis` on agree with those of the first tensor.
void check_alike(const std::vector<Tensor>& tensors, int first_axis, const char* name) {
  if (tensors.empty()) throw ValueError(std::string(name) + ": expected at least one sample, got none");
  const Tensor& first = tensors.front();
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = tensors[i];
    auto sample = [&] { return std::string(name) + ": sample " + std::to_string(i) + ": expected "; };
    if (tensor.rank() < first_axis) throw ShapeError(sample() + "at least one axis, got " + to_string(tensor.shape()));
    if (tensor.rank() != first.rank() ||
        tensor.shape().slice(first_axis, tensor.rank()) != first.shape().slice(first_axis, first.rank()))
      throw ShapeError(sample() + (first_axis ? "the shape past the first axis of " : "the shape ") +
                       to_string(first.shape()) + ", got " + to_string(tensor.shape()));
    if (tensor.dtype() != first.dtype())
      throw DTypeError(sample() + std::string(name_of(first.dtype())) + ", got " +
                       std::string(name_of(tensor.dtype())));
    if (!tensor.device().backend().is_host())
      throw DeviceError(sample() + "host memory, got " + to_string(tensor.device()));
  }
}

/// The part [row, 0 .. length) of a contiguous batch, as a view.
Tensor row_view(const Tensor& batch, int64_t row, int64_t length) {
  Shape shape = batch.shape().slice(1, batch.rank());
  Strides strides = row_major_strides(shape);
  int64_t offset = batch.offset() + row * shape.elements();
  if (length >= 0) shape[0] = length;
  return batch.strided_view(shape, strides, offset);
}

}  // namespace

Tensor stack_samples(const std::vector<Tensor>& tensors) {
  check_alike(tensors, 0, "stack");
  Shape shape = tensors.front().shape();
  shape.insert(0, static_cast<int64_t>(tensors.size()));
  Tensor batch = Tensor::empty(shape, tensors.front().dtype(), Device());
  for (size_t i = 0; i < tensors.size(); ++i) {
    Tensor row = row_view(batch, static_cast<int64_t>(i), -1);
    copy_elements(tensors[i], row);
  }
  return batch;
}

Tensor pad_samples(const std::vector<Tensor>& tensors, int64_t length, double pad) {
  check_alike(tensors, 1, "pad");
  int64_t longest = 0;
  for (const Tensor& tensor : tensors) longest = std::max(longest, tensor.shape()[0]);
  if (length >= 0 && longest > length)
    throw ValueError("pad: expected samples of at most " + std::to_string(length) + " elements, got one of " +
                     std::to_string(longest));
  Shape shape = tensors.front().shape();
  shape[0] = length < 0 ? longest : length;
  shape.insert(0, static_cast<int64_t>(tensors.size()));
  Tensor batch = Tensor::empty(shape, tensors.front().dtype(), Device());
  batch.assign(Tensor(pad));
  for (size_t i = 0; i < tensors.size(); ++i) {
    Tensor row = row_view(batch, static_cast<int64_t>(i), tensors[i].shape()[0]);
    copy_elements(tensors[i], row);
  }
  return batch;
}

namespace detail {

Padded pad_with_mask(const std::vector<Tensor>& tensors, int64_t length, double pad) {
  Padded padded{pad_samples(tensors, length, pad), {}, {}};
  int64_t samples = padded.values.size(0), width = padded.values.size(1);
  padded.mask = Tensor::empty(Shape{samples, width}, DType::boolean, Device());
  padded.lengths = Tensor::empty(Shape{samples}, DType::int64, Device());
  bool* mask = padded.mask.mutable_data<bool>();
  int64_t* lengths = padded.lengths.mutable_data<int64_t>();
  for (int64_t i = 0; i < samples; ++i) {
    lengths[i] = tensors[static_cast<size_t>(i)].shape()[0];
    for (int64_t j = 0; j < width; ++j) mask[i * width + j] = j < lengths[i];
  }
  return padded;
}

}  // namespace detail

}  // namespace weft
