#pragma once

#include <weft/core/kernel_table.hpp>

namespace weft {

/// Fills `table` with the kernels of this folder.
void register_cpu(KernelTable& table);

// One for each file in this folder that holds kernels.
void register_cpu_global_norm(KernelTable& table);
void register_cpu_optimizer_update(KernelTable& table);
void register_cpu_parameter_average(KernelTable& table);
void register_cpu_pool(KernelTable& table);
void register_cpu_norm(KernelTable& table);
void register_cpu_matmul(KernelTable& table);
void register_cpu_conv(KernelTable& table);
void register_cpu_attention(KernelTable& table);
void register_cpu_create(KernelTable& table);
void register_cpu_slice(KernelTable& table);
void register_cpu_join(KernelTable& table);
void register_cpu_pad(KernelTable& table);
void register_cpu_fused_elementwise(KernelTable& table);
void register_cpu_triangle(KernelTable& table);
void register_cpu_gather(KernelTable& table);
void register_cpu_scatter(KernelTable& table);
void register_cpu_one_hot(KernelTable& table);
void register_cpu_sort(KernelTable& table);
void register_cpu_random(KernelTable& table);
void register_cpu_activation(KernelTable& table);
void register_cpu_batch_norm(KernelTable& table);
void register_cpu_binary(KernelTable& table);
void register_cpu_cast(KernelTable& table);
void register_cpu_cross_entropy(KernelTable& table);
void register_cpu_cumulative(KernelTable& table);
void register_cpu_reduce(KernelTable& table);
void register_cpu_select(KernelTable& table);
void register_cpu_softmax(KernelTable& table);
void register_cpu_unary(KernelTable& table);

}  // namespace weft
