#include <slow_cpu.hpp>

#include <array>
#include <atomic>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/matmul.hpp>
#include <weft/autograd/ops/sort.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/backend.hpp>
#include <weft/core/strided_loop.hpp>

namespace slow_cpu {
namespace {

using namespace weft;

std::atomic<int64_t> additions{0}, products{0};

/// The strides with which `tensor` is read as if it had the shape that it broadcasts to.
Strides broadcast_strides(const Tensor& tensor, const Shape& shape) {
  Strides strides = Strides::filled(shape.rank(), 0);
  int shift = shape.rank() - tensor.rank();
  for (int axis = 0; axis < tensor.rank(); ++axis)
    if (tensor.shape()[axis] != 1) strides[axis + shift] = tensor.strides()[axis];
  return strides;
}

/// Inputs broadcast against each other; registered as strided, so it sees views as they are.
void add_kernel(const KernelCall& call) {
  ++additions;
  Tensor& out = call.outputs[0];
  const Shape& shape = out.shape();
  std::array<Strides, 3> strides{row_major_strides(shape), broadcast_strides(call.inputs[0], shape),
                                 broadcast_strides(call.inputs[1], shape)};
  visit_wide_number(out.dtype(), [&]<class T>(std::type_identity<T>) {
    const T *x = call.inputs[0].raw_as<T>(), *y = call.inputs[1].raw_as<T>();
    T* z = out.mutable_raw_as<T>();
    strided_rows<3>(shape, strides, [&](int64_t count, std::array<int64_t, 3> at, std::array<int64_t, 3> step) {
      for (int64_t i = 0; i < count; ++i)
        z[at[0] + i * step[0]] = static_cast<T>(x[at[1] + i * step[1]] + y[at[2] + i * step[2]]);
    });
  });
}

/// [batch..., M, K] x [batch..., K, N] -> [batch..., M, N], batch axes broadcast; both contiguous.
void matmul_kernel(const KernelCall& call) {
  ++products;
  const Tensor &a = call.inputs[0], &b = call.inputs[1];
  Tensor& out = call.outputs[0];
  const int64_t m = a.size(-2), k = a.size(-1), n = b.size(-1);
  const int batch = out.rank() - 2;
  auto batch_strides = [&](const Tensor& x) { return broadcast_strides(x, out.shape()).slice(0, batch); };
  visit_wide_float(out.dtype(), [&]<class T>(std::type_identity<T>) {
    T* target = out.mutable_raw_as<T>();
    strided_rows<2>(out.shape().slice(0, batch), {batch_strides(a), batch_strides(b)},
                    [&](int64_t count, std::array<int64_t, 2> at, std::array<int64_t, 2> step) {
                      for (int64_t matrix = 0; matrix < count; ++matrix, target += m * n) {
                        const T* x = a.raw_as<T>() + at[0] + matrix * step[0];
                        const T* y = b.raw_as<T>() + at[1] + matrix * step[1];
                        for (int64_t i = 0; i < m; ++i)
                          for (int64_t j = 0; j < n; ++j) {
                            T sum = 0;
                            for (int64_t l = 0; l < k; ++l) sum += x[i * k + l] * y[l * n + j];
                            target[i * n + j] = sum;
                          }
                      }
                    });
  });
}

/// The base kernels: everything that has no composed form and is no view. This memory is the host's, so those of
/// `reference` serve; a backend with memory of its own writes them. `argsort` is left out, to show what happens then.
void fill(KernelTable& table) {
  const KernelTable& reference = Device("reference").backend().kernels();
  for (const Primitive* primitive : all_primitives()) {
    if (primitive->has_composed || primitive->is_view || primitive->id() == primitive_id<op::Argsort>()) continue;
    if (const KernelEntry* entry = reference.find(primitive->id())) table.add(primitive->id(), *entry);
  }
  table.add<op::Add>(add_kernel, wide_numbers, /*strided=*/true);
  table.add<op::Matmul>(matmul_kernel, wide_floats);
}

/// Host memory and the caching allocator come from HostBackend; a device with memory of its own overrides them.
class SlowCpu : public HostBackend {
 public:
  SlowCpu() : HostBackend("slow_cpu") { fill(kernels()); }
};

}  // namespace

Device register_backend() { return weft::register_backend(std::make_unique<SlowCpu>()); }

Counts counts() { return {additions, products}; }

}  // namespace slow_cpu
