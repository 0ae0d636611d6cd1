#include <weft/autograd/ops/list.hpp>

namespace weft {

void define_built_in_primitives() {
  define_activation();
  define_global_norm();
  define_optimizer_update();
  define_parameter_average();
  define_attention();
  define_batch_norm();
  define_binary();
  define_cast();
  define_conv();
  define_create();
  define_cross_entropy();
  define_cumulative();
  define_gather();
  define_join();
  define_layout();
  define_matmul();
  define_norm();
  define_one_hot();
  define_pad();
  define_pool();
  define_random();
  define_reduce();
  define_scatter();
  define_select();
  define_slice();
  define_softmax();
  define_sort();
  define_fused_elementwise();
  define_stream_key();
  define_triangle();
  define_unary();
}

}  // namespace weft
