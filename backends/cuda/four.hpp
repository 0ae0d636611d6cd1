#pragma once

#include <weft/backends/cuda/elementwise.hpp>

namespace weft::cuda {

/// Four neighbours from `memory` on, which is to be aligned for them: a GPU refuses anything else, and so does the
/// emulation.
template <class T> WEFT_DEVICE auto& four_at(T* memory) {
  using Neighbours = std::conditional_t<std::is_const_v<T>, const Four<std::remove_const_t<T>>, Four<T>>;
#ifndef __CUDACC__
  if (reinterpret_cast<uintptr_t>(memory) % sizeof(Neighbours) != 0)
    throw emulation::EmulationError("a kernel takes by four what is not aligned for it");
#endif
  return *reinterpret_cast<Neighbours*>(memory);
}

}  // namespace weft::cuda
