#pragma once

#include <weft/autograd/jit.hpp>

namespace weft::examples {

/// The batch with what jit sees of it on the default device; data loaders make batches in host memory.
template <class Batch> Batch on_default_device(Batch batch) {
  for_each_tensor(batch, [](Tensor& tensor) {
    if (tensor.defined()) tensor = tensor.to(default_device());
  });
  return batch;
}

}  // namespace weft::examples
