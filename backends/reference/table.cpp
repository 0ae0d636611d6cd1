#include <weft/backends/reference/table.hpp>

namespace weft {

void register_reference(KernelTable& table) {
  register_reference_activation(table);
  register_reference_global_norm(table);
  register_reference_optimizer_update(table);
  register_reference_parameter_average(table);
  register_reference_attention(table);
  register_reference_batch_norm(table);
  register_reference_binary(table);
  register_reference_cast(table);
  register_reference_conv(table);
  register_reference_create(table);
  register_reference_cross_entropy(table);
  register_reference_cumulative(table);
  register_reference_gather(table);
  register_reference_join(table);
  register_reference_layout(table);
  register_reference_matmul(table);
  register_reference_norm(table);
  register_reference_one_hot(table);
  register_reference_pad(table);
  register_reference_pool(table);
  register_reference_random(table);
  register_reference_reduce(table);
  register_reference_scatter(table);
  register_reference_select(table);
  register_reference_slice(table);
  register_reference_softmax(table);
  register_reference_sort(table);
  register_reference_triangle(table);
  register_reference_unary(table);
  register_reference_fused_elementwise(table);
}

}  // namespace weft
