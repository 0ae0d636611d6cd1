#include <weft/backends/cpu/table.hpp>

namespace weft {

void register_cpu(KernelTable& table) {
  register_cpu_activation(table);
  register_cpu_global_norm(table);
  register_cpu_optimizer_update(table);
  register_cpu_parameter_average(table);
  register_cpu_attention(table);
  register_cpu_batch_norm(table);
  register_cpu_binary(table);
  register_cpu_cast(table);
  register_cpu_conv(table);
  register_cpu_create(table);
  register_cpu_cross_entropy(table);
  register_cpu_cumulative(table);
  register_cpu_gather(table);
  register_cpu_join(table);
  register_cpu_matmul(table);
  register_cpu_norm(table);
  register_cpu_one_hot(table);
  register_cpu_pad(table);
  register_cpu_pool(table);
  register_cpu_random(table);
  register_cpu_reduce(table);
  register_cpu_scatter(table);
  register_cpu_select(table);
  register_cpu_slice(table);
  register_cpu_softmax(table);
  register_cpu_sort(table);
  register_cpu_triangle(table);
  register_cpu_unary(table);
  register_cpu_fused_elementwise(table);
}

}  // namespace weft
