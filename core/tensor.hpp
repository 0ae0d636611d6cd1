#pragma once

#include <algorithm>
#include <functional>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <weft/core/device.hpp>
#include <weft/core/dtype.hpp>
#include <weft/core/recycle.hpp>
#include <weft/core/ref.hpp>
#include <weft/core/shape.hpp>
#include <weft/core/storage.hpp>

namespace weft {

/// A node of the autodiff tape; core knows only how to hold one.
class TapeNode;
void retain_object(TapeNode* node);
void release_object(TapeNode* node);

struct Index;

/// What an op's shape rule sees of a tensor.
struct Spec {
  Shape shape;
  DType dtype = DType::float32;
  friend bool operator==(const Spec&, const Spec&) = default;
};
/// `float32[2, 3]`.
std::string to_string(const Spec& spec);

/// A cheap handle to a strided view of shared storage. Copying a Tensor shares; `copy()` copies. Arithmetic, indexing
/// with gradient, and all other operations are free functions (autograd/ops/).
class Tensor {
 public:
  /// No tensor; only defined(), assignment and destruction are allowed.
  Tensor() = default;
  /// A scalar of that value, shape [].
  explicit Tensor(float value);
  explicit Tensor(double value);
  explicit Tensor(int value);
  explicit Tensor(int64_t value);
  explicit Tensor(bool value);

  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) = default;
  /// A named tensor is made to point elsewhere ...
  Tensor& operator=(const Tensor& other) & = default;
  Tensor& operator=(Tensor&& other) & = default;
  /// ... while a view just taken is written into, as in `x[{0}] = y;`. See assign().
  void operator=(const Tensor& other) && { assign(other); }
  ~Tensor() = default;

  /// Uninitialised memory.
  static Tensor empty(const Shape& shape, DType dtype = DType::float32, Device device = default_device());
  /// A shape without data, for shape-only runs.
  static Tensor meta(const Shape& shape, DType dtype = DType::float32);
  static Tensor meta(const Spec& spec) { return meta(spec.shape, spec.dtype); }
  /// What stands for a result while a function is traced (see tracer.hpp).
  static Tensor traced(const Spec& spec, Device device);
  /// Row-major on `storage`, from its first byte on.
  static Tensor on_storage(Ref<Storage> storage, const Spec& spec);
  /// Copies `values`, row-major; throws ShapeError when their number is not the shape's.
  template <class T>
  static Tensor from(std::span<const T> values, const Shape& shape, Device device = default_device()) {
    return from_bytes(values.data(), static_cast<int64_t>(values.size()), dtype_of<T>, shape, device);
  }
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape, Device device = default_device()) {
    if constexpr (std::is_same_v<T, bool>) {
      auto copies = std::make_unique<bool[]>(values.size());
      std::copy(values.begin(), values.end(), copies.get());
      return from(std::span<const bool>(copies.get(), values.size()), shape, device);
    } else {
      return from(std::span<const T>(values), shape, device);
    }
  }
  /// A view of memory that `on_release` gives back when the last tensor on it has gone.
  static Tensor adopt(void* memory, const Shape& shape, const Strides& strides, DType dtype,
                      std::function<void()> on_release);

  bool defined() const { return static_cast<bool>(body_); }
  /// True for a shape without data.
  bool is_meta() const { return !body().storage; }
  /// True for what stands for a result while a function is traced: it has a place, but no elements yet.
  bool is_traced() const { return body().storage && body().storage->is_traced(); }
  const Shape& shape() const { return body().shape; }
  /// In elements; 0 where broadcast, negative where reversed.
  const Strides& strides() const { return body().strides; }
  /// First element's place in the storage, in elements.
  int64_t offset() const { return body().offset; }
  DType dtype() const { return body().dtype; }
  Device device() const { return body().device; }
  Spec spec() const { return {shape(), dtype()}; }
  int rank() const { return shape().rank(); }
  /// The extent of `axis`, negative axes counting from the end; throws ShapeError.
  int64_t size(int axis) const { return shape().at(axis); }
  int64_t elements() const { return body().elements; }
  int64_t bytes() const { return elements() * size_of(dtype()); }
  /// Row-major without gaps.
  bool is_contiguous() const { return body().contiguous; }
  Storage* storage() const { return body().storage.get(); }

  /// The first element. Throws DTypeError when T is not the element type, DeviceError when it is not host memory.
  /// A non-const pointer counts as an in-place change.
  template <class T> const T* data() const { return static_cast<const T*>(host_data(dtype_of<T>)); }
  template <class T> T* mutable_data() { return static_cast<T*>(mutable_host_data(dtype_of<T>)); }
  /// The same without checks, on any device; for kernels.
  const void* raw() const { return static_cast<const char*>(body().storage->data()) + offset() * size_of(dtype()); }
  void* mutable_raw() { return const_cast<void*>(raw()); }
  template <class T> const T* raw_as() const { return static_cast<const T*>(raw()); }
  template <class T> T* mutable_raw_as() { return static_cast<T*>(mutable_raw()); }

  /// The only element, converted to T; throws ShapeError when there is not exactly one. Waits for the device.
  template <class T = double> T item() const {
    return visit(dtype(), [&]<class U>(std::type_identity<U>) {
      U value;
      read_one(&value);
      return static_cast<T>(static_cast<std::conditional_t<std::is_same_v<U, bool>, int,
                                                           std::conditional_t<is_half(dtype_of<U>), float, U>>>(value));
    });
  }
  /// All elements in row-major order; throws DTypeError when T is not the element type.
  template <class T> std::vector<T> to_vector() const {
    auto count = static_cast<size_t>(elements());
    if constexpr (std::is_same_v<T, bool>) {  // std::vector<bool> has no array to read into
      auto values = std::make_unique<bool[]>(count);
      read_all(values.get(), DType::boolean);
      return std::vector<bool>(values.get(), values.get() + count);
    } else {
      std::vector<T> values(count);
      read_all(values.data(), dtype_of<T>);
      return values;
    }
  }

  /// The same elements in fresh row-major memory, without a tape.
  Tensor copy() const;
  /// This tensor when it is contiguous, else a copy of it. Without a tape.
  Tensor contiguous() const;
  /// A copy on `device`, or this tensor when it is there already. Without a tape.
  Tensor to(Device device) const;
  /// The same storage without a tape.
  Tensor detach() const;
  /// A view of the same storage, without a tape; nothing is checked.
  Tensor strided_view(const Shape& shape, const Strides& strides, int64_t offset) const;

  /// A view of a part: integers, `slice(...)`, `newaxis` and `ellipsis`, with gradient (autograd/ops/slice.hpp).
  Tensor operator[](std::initializer_list<Index> index) const;
  Tensor operator[](const Index& index) const;

  /// Writes `source`, broadcast and converted, into this tensor's memory. Throws StateError when this tensor is on a
  /// tape: gradients do not follow in-place changes.
  void assign(const Tensor& source);

  /// The tape's node and which of its outputs this is; null when no gradient flows through this tensor.
  TapeNode* node() const { return body_ ? body_->node.get() : nullptr; }
  const Ref<TapeNode>& node_ref() const { return body().node; }
  int node_output() const { return body().node_output; }
  /// The same storage as an output of `node`.
  Tensor with_node(Ref<TapeNode> node, int output) const&;
  /// This handle itself, when it is the only one and on no tape yet.
  Tensor with_node(Ref<TapeNode> node, int output) &&;
  /// The shape without the data, on the same tape.
  Tensor shape_only() const;
  /// True when no other handle of this tensor and no other tensor on its memory exists.
  bool is_sole_owner() const {
    return body_.get() && body_->owners() == 1 && body_->storage && body_->storage->owners() == 1;
  }
  /// Two handles of one tensor.
  bool same_as(const Tensor& other) const { return body_ == other.body_; }

 private:
  struct Body : RefCounted, Recycled {
    Body(const Shape& extents, const Strides& steps, DType type) : shape(extents), strides(steps), dtype(type) {}
    Ref<Storage> storage;
    Shape shape;
    Strides strides;
    int64_t offset = 0;
    int64_t elements = 0;
    DType dtype = DType::float32;
    Device device;
    bool contiguous = true;
    int node_output = 0;
    Ref<TapeNode> node;

    friend void retain_object(Body* body) { body->retain(); }
    friend void release_object(Body* body) {
      if (body->release()) delete body;
    }
  };

  static Tensor from_bytes(const void* values, int64_t count, DType dtype, const Shape& shape, Device device);
  const Body& body() const {
    if (!body_) throw_undefined();
    return *body_;
  }
  [[noreturn]] static void throw_undefined();
  const void* host_data(DType dtype) const;
  void* mutable_host_data(DType dtype);
  void read_one(void* value) const;
  void read_all(void* values, DType dtype) const;

  Ref<Body> body_;
};

/// NumPy-like text: `[[1, 2], [3, 4]]`; long axes are abbreviated past `threshold` elements.
std::string to_string(const Tensor& tensor, int64_t threshold = 1000);
std::ostream& operator<<(std::ostream& stream, const Tensor& tensor);

/// Copies elements between host tensors of equal shape, any strides, converting the dtype. For backends and core.
void copy_elements(const Tensor& source, Tensor& target);

}  // namespace weft
