#pragma once

namespace weft {

/// Defines every primitive that comes with Weft; called once, at the first use of any.
void define_built_in_primitives();

// One for each file in this folder that defines primitives.
void define_global_norm();
void define_optimizer_update();
void define_parameter_average();
void define_pool();
void define_norm();
void define_matmul();
void define_conv();
void define_attention();
void define_activation();
void define_batch_norm();
void define_binary();
void define_cast();
void define_cross_entropy();
void define_cumulative();
void define_reduce();
void define_select();
void define_softmax();
void define_unary();
void define_create();
void define_layout();
void define_slice();
void define_join();
void define_pad();
void define_fused_elementwise();
void define_stream_key();
void define_triangle();
void define_gather();
void define_scatter();
void define_one_hot();
void define_sort();
void define_random();

}  // namespace weft
