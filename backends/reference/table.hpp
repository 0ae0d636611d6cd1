#pragma once

#include <weft/core/kernel_table.hpp>

namespace weft {

/// Fills `table` with the kernels of this folder.
void register_reference(KernelTable& table);

// One for each file in this folder that holds kernels.
void register_reference_global_norm(KernelTable& table);
void register_reference_optimizer_update(KernelTable& table);
void register_reference_parameter_average(KernelTable& table);
void register_reference_pool(KernelTable& table);
void register_reference_norm(KernelTable& table);
void register_reference_matmul(KernelTable& table);
void register_reference_conv(KernelTable& table);
void register_reference_attention(KernelTable& table);
void register_reference_create(KernelTable& table);
void register_reference_layout(KernelTable& table);
void register_reference_slice(KernelTable& table);
void register_reference_join(KernelTable& table);
void register_reference_pad(KernelTable& table);
void register_reference_fused_elementwise(KernelTable& table);
void register_reference_triangle(KernelTable& table);
void register_reference_gather(KernelTable& table);
void register_reference_scatter(KernelTable& table);
void register_reference_one_hot(KernelTable& table);
void register_reference_sort(KernelTable& table);
void register_reference_random(KernelTable& table);
void register_reference_activation(KernelTable& table);
void register_reference_batch_norm(KernelTable& table);
void register_reference_binary(KernelTable& table);
void register_reference_cast(KernelTable& table);
void register_reference_cross_entropy(KernelTable& table);
void register_reference_cumulative(KernelTable& table);
void register_reference_reduce(KernelTable& table);
void register_reference_select(KernelTable& table);
void register_reference_softmax(KernelTable& table);
void register_reference_unary(KernelTable& table);

}  // namespace weft
