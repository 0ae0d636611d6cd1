#include <weft/backends/cuda/table.hpp>

namespace weft::cuda {

void register_cuda(KernelTable& table) {
  register_cuda_activation(table);
  register_cuda_attention(table);
  register_cuda_batch_norm(table);
  register_cuda_binary(table);
  register_cuda_cast(table);
  register_cuda_conv(table);
  register_cuda_create(table);
  register_cuda_cross_entropy(table);
  register_cuda_cumulative(table);
  register_cuda_gather(table);
  register_cuda_global_norm(table);
  register_cuda_join(table);
  register_cuda_matmul(table);
  register_cuda_norm(table);
  register_cuda_one_hot(table);
  register_cuda_optimizer_update(table);
  register_cuda_pad(table);
  register_cuda_parameter_average(table);
  register_cuda_pool(table);
  register_cuda_random(table);
  register_cuda_reduce(table);
  register_cuda_scatter(table);
  register_cuda_select(table);
  register_cuda_slice(table);
  register_cuda_softmax(table);
  register_cuda_sort(table);
  register_cuda_triangle(table);
  register_cuda_unary(table);
  register_cuda_fused_elementwise(table);  // marks what others have registered
}

}  // namespace weft::cuda
