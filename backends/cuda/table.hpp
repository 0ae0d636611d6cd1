#pragma once

#include <memory>

#include <weft/core/backend.hpp>
#include <weft/core/kernel_table.hpp>
#include <weft/core/tensor.hpp>

namespace weft::cuda {

/// The backend `cuda`, with its table filled. Without a driver or a GPU it has no devices, and says why when asked for
/// one.
std::unique_ptr<Backend> make_cuda_backend();

/// Fills the table of the backend `cuda`. Compiled twice: by nvcc, and as host code for the emulation.
void register_cuda(KernelTable& table);

/// Copies elements between tensors of one shape, of any strides and element types.
void copy_strided(const Tensor& source, Tensor& target);

// One for each family of primitives, in the file of that name.
void register_cuda_activation(KernelTable& table);
void register_cuda_attention(KernelTable& table);
void register_cuda_batch_norm(KernelTable& table);
void register_cuda_binary(KernelTable& table);
void register_cuda_cast(KernelTable& table);
void register_cuda_conv(KernelTable& table);
void register_cuda_create(KernelTable& table);
void register_cuda_cross_entropy(KernelTable& table);
void register_cuda_cumulative(KernelTable& table);
void register_cuda_fused_elementwise(KernelTable& table);
void register_cuda_gather(KernelTable& table);
void register_cuda_global_norm(KernelTable& table);
void register_cuda_join(KernelTable& table);
void register_cuda_matmul(KernelTable& table);
void register_cuda_norm(KernelTable& table);
void register_cuda_one_hot(KernelTable& table);
void register_cuda_optimizer_update(KernelTable& table);
void register_cuda_pad(KernelTable& table);
void register_cuda_parameter_average(KernelTable& table);
void register_cuda_pool(KernelTable& table);
void register_cuda_random(KernelTable& table);
void register_cuda_reduce(KernelTable& table);
void register_cuda_scatter(KernelTable& table);
void register_cuda_select(KernelTable& table);
void register_cuda_slice(KernelTable& table);
void register_cuda_softmax(KernelTable& table);
void register_cuda_sort(KernelTable& table);
void register_cuda_triangle(KernelTable& table);
void register_cuda_unary(KernelTable& table);

}  // namespace weft::cuda
