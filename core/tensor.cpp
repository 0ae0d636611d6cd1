#include <weft/core/tensor.hpp>

#include <utility>

#include <weft/core/backend.hpp>
#include <weft/core/error.hpp>
#include <weft/core/tracer.hpp>

namespace weft {
namespace {

thread_local TensorTracer* tracer = nullptr;

template <class T> Tensor scalar(T value) { return Tensor::from(std::span<const T>(&value, 1), Shape{}); }

bool row_major(const Shape& shape, const Strides& strides) {
  int64_t expected = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    if (shape[i] == 0) return true;
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

}  // namespace

TensorTracer* tensor_tracer() { return tracer; }
TensorTracer* exchange_tensor_tracer(TensorTracer* other) { return std::exchange(tracer, other); }

void throw_traced(const char* what, const Tensor& tensor) {
  throw StateError(std::string(what) + ": the elements of " + to_string(tensor.spec()) +
                   (tracer
                        ? " are not known while jit traces the function; return the tensor from it, and read it there"
                        : " never were: this tensor left a function while jit traced it; return it from the function "
                          "instead"));
}

std::string to_string(const Spec& spec) { return std::string(name_of(spec.dtype)) + to_string(spec.shape); }

Tensor::Tensor(float value) : Tensor(scalar(value)) {}
Tensor::Tensor(double value) : Tensor(scalar(value)) {}
Tensor::Tensor(int value) : Tensor(scalar<int32_t>(value)) {}
Tensor::Tensor(int64_t value) : Tensor(scalar(value)) {}
Tensor::Tensor(bool value) : Tensor(scalar(value)) {}

Tensor Tensor::meta(const Shape& shape, DType dtype) {
  // Strides and the number of elements in one go; elements() sees to what is rare.
  Strides strides = shape;
  int64_t step = 1, least = 1;
  bool overflow = false;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[axis] = step;
    least = std::min(least, shape[axis]);
    overflow |= __builtin_mul_overflow(step, std::max<int64_t>(shape[axis], 1), &step);
  }
  if (least < 0) throw ShapeError("tensor: expected extents of 0 or more, got " + to_string(shape));
  Tensor tensor;
  tensor.body_ = Ref<Body>(new Body(shape, strides, dtype));
  tensor.body_->elements = overflow || least == 0 ? shape.elements() : step;
  return tensor;
}

Tensor Tensor::traced(const Spec& spec, Device device) {
  return on_storage(Ref<Storage>(new Storage(spec.shape.elements() * size_of(spec.dtype), device, Storage::Traced{})),
                    spec);
}

Tensor Tensor::on_storage(Ref<Storage> storage, const Spec& spec) {
  Tensor tensor = meta(spec);
  tensor.body_->device = storage->device();
  tensor.body_->storage = std::move(storage);
  return tensor;
}

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  Tensor tensor = meta(shape, dtype);
  int64_t bytes;
  if (__builtin_mul_overflow(tensor.elements(), size_of(dtype), &bytes))
    throw MemoryError("tensor: " + to_string(Spec{shape, dtype}) + " has more bytes than there can be");
  tensor.body_->storage = make_ref<Storage>(bytes, device);
  tensor.body_->device = device;
  return tensor;
}

Tensor Tensor::from_bytes(const void* values, int64_t count, DType dtype, const Shape& shape, Device device) {
  if (shape.elements() != count)
    throw ShapeError("tensor: expected " + std::to_string(shape.elements()) + " values for shape " + to_string(shape) +
                     ", got " + std::to_string(count));
  Tensor tensor = empty(shape, dtype, device);
  device.backend().copy_from_host(tensor.mutable_raw(), values, tensor.bytes(), device.index());
  return tensor;
}

Tensor Tensor::adopt(void* memory, const Shape& shape, const Strides& strides, DType dtype,
                     std::function<void()> on_release) {
  Tensor tensor = meta(shape, dtype);
  tensor.body_->storage = make_ref<Storage>(memory, tensor.bytes(), Device(), std::move(on_release));
  tensor.body_->strides = strides;
  tensor.body_->contiguous = row_major(shape, strides);
  return tensor;
}

Tensor Tensor::strided_view(const Shape& shape, const Strides& strides, int64_t offset) const {
  Tensor view;
  view.body_ = Ref<Body>(new Body(shape, strides, dtype()));
  view.body_->elements = shape == this->shape() ? elements() : shape.elements();
  view.body_->storage = body().storage;
  view.body_->device = device();
  view.body_->offset = offset;
  view.body_->contiguous = row_major(shape, strides);
  return view;
}

Tensor Tensor::detach() const { return node() ? strided_view(shape(), strides(), offset()) : *this; }

Tensor Tensor::with_node(Ref<TapeNode> node, int output) && {
  if (body().owners() != 1 || body().node) return static_cast<const Tensor&>(*this).with_node(std::move(node), output);
  body_->node = std::move(node);
  body_->node_output = output;
  return std::move(*this);
}

Tensor Tensor::shape_only() const {
  Tensor bare = is_contiguous() ? Tensor() : meta(spec());
  if (!bare.defined()) {
    bare.body_ = Ref<Body>(new Body(shape(), strides(), dtype()));
    bare.body_->elements = elements();
  }
  bare.body_->node = body().node;
  bare.body_->node_output = body().node_output;
  return bare;
}

Tensor Tensor::with_node(Ref<TapeNode> node, int output) const& {
  Tensor tracked = strided_view(shape(), strides(), offset());
  tracked.body_->node = std::move(node);
  tracked.body_->node_output = output;
  return tracked;
}

Tensor Tensor::copy() const {
  if (is_meta()) return detach();
  if (is_traced()) {
    if (!tracer) throw_traced("copy", *this);
    return tracer->copy(*this);
  }
  Tensor target = empty(shape(), dtype(), device());
  copy_elements(*this, target);
  return target;
}

Tensor Tensor::contiguous() const { return is_contiguous() ? detach() : copy(); }

Tensor Tensor::to(Device target_device) const {
  if (is_meta() || device() == target_device) return detach();
  if (is_traced()) {
    if (!tracer) throw_traced("to(device)", *this);
    return tracer->move(contiguous(), target_device);
  }
  Tensor source = contiguous();
  Tensor target = empty(shape(), dtype(), target_device);
  Backend &from = device().backend(), &into = target_device.backend();
  if (from.is_host()) {
    into.copy_from_host(target.mutable_raw(), source.raw(), bytes(), target_device.index());
  } else if (into.is_host()) {
    from.copy_to_host(target.mutable_raw(), source.raw(), bytes(), device().index());
  } else {
    std::vector<char> staging(static_cast<size_t>(bytes()));
    from.copy_to_host(staging.data(), source.raw(), bytes(), device().index());
    into.copy_from_host(target.mutable_raw(), staging.data(), bytes(), target_device.index());
  }
  return target;
}

void Tensor::assign(const Tensor& source) {
  if (node()) throw StateError("assign: this tensor is on a tape, whose gradients do not follow in-place changes");
  if (is_meta() || source.is_meta()) throw StateError("assign: expected tensors with data, got a shape-only one");
  if (is_traced()) throw_traced("assign", *this);
  if (source.is_traced()) throw_traced("assign", source);
  if (!(broadcast_shapes(shape(), source.shape(), "assign") == shape()))
    throw ShapeError("assign: expected a source that broadcasts to " + to_string(shape()) + ", got " +
                     to_string(source.shape()));
  Strides strides = Strides::filled(rank(), 0);
  int shift = rank() - source.rank();
  for (int i = 0; i < source.rank(); ++i) strides[i + shift] = source.shape()[i] == 1 ? 0 : source.strides()[i];
  Tensor aligned = source.storage() == storage() ? source.copy().to(device()) : source.to(device());
  if (!aligned.same_as(source) && !(aligned.strides() == source.strides())) {
    Strides dense = row_major_strides(source.shape());
    for (int i = 0; i < source.rank(); ++i) strides[i + shift] = source.shape()[i] == 1 ? 0 : dense[i];
  }
  storage()->bump_version();
  copy_elements(aligned.strided_view(shape(), strides, aligned.offset()), *this);
}

void Tensor::throw_undefined() { throw StateError("tensor: used before it was given a value"); }

const void* Tensor::host_data(DType dtype) const {
  if (dtype != this->dtype())
    throw DTypeError("data: expected " + std::string(name_of(this->dtype())) + ", got " + std::string(name_of(dtype)));
  if (is_meta()) throw StateError("data: " + to_string(spec()) + " is a shape without data");
  if (is_traced()) throw_traced("data", *this);
  if (!device().backend().is_host()) throw DeviceError("data: not host memory; call to(\"cpu\") first");
  return raw();
}

void* Tensor::mutable_host_data(DType dtype) {
  const void* memory = host_data(dtype);
  if (node())
    throw StateError("mutable_data: this tensor is on a tape, whose gradients do not follow in-place changes");
  storage()->bump_version();
  return const_cast<void*>(memory);
}

void Tensor::read_one(void* value) const {
  if (elements() != 1) throw ShapeError("item: expected one element, got shape " + to_string(shape()));
  if (is_meta()) throw StateError("item: " + to_string(spec()) + " is a shape without data; return it instead");
  if (is_traced()) throw_traced("item", *this);
  device().backend().copy_to_host(value, raw(), size_of(dtype()), device().index());
}

void Tensor::read_all(void* values, DType dtype) const {
  if (dtype != this->dtype())
    throw DTypeError("to_vector: expected " + std::string(name_of(this->dtype())) + ", got " +
                     std::string(name_of(dtype)));
  if (is_meta()) throw StateError("to_vector: " + to_string(spec()) + " is a shape without data; return it instead");
  if (is_traced()) throw_traced("to_vector", *this);
  Tensor dense = contiguous();
  device().backend().copy_to_host(values, dense.raw(), bytes(), device().index());
}

}  // namespace weft
