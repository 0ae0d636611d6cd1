#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <weft/core/dtype.hpp>

namespace weft {

class Tensor;

/// A primitive's number in this process, given out by name at first use.
using PrimitiveId = int;
PrimitiveId primitive_id(std::string_view name);
std::string_view primitive_name(PrimitiveId id);

/// The id of the primitive with attributes `Op`, a plain struct with a static `name`.
template <class Op> PrimitiveId primitive_id() {
  static const PrimitiveId id = primitive_id(Op::name);
  return id;
}

/// A piece of an elementwise op: n elements, an input's contiguous (step 1) or the one value at its pointer (step 0).
/// The output may be an input's memory.
struct Tile {
  const void* const* inputs;
  const int64_t* steps;
  void* output;
  int64_t n;
};

/// What a kernel is called with. Inputs are on one device and of dtypes that the kernel was registered for; contiguous
/// (row-major, no gaps) unless it was registered with `strided`. Outputs are freshly allocated, contiguous, of the
/// shapes and dtypes that the primitive's rule gave.
struct KernelCall {
  const void* attributes;
  std::span<const Tensor> inputs;
  std::span<Tensor> outputs;
  /// For kernels registered as `tiled`: work on this piece alone; the tensors then only say the dtypes.
  const Tile* tile = nullptr;

  template <class Op> const Op& op() const { return *static_cast<const Op*>(attributes); }
};

/// Kernels never throw: everything was checked before.
using Kernel = void (*)(const KernelCall&);

struct KernelEntry {
  Kernel run = nullptr;
  DTypeSet dtypes;       ///< floating inputs of other types are converted to float32, and the result back
  bool strided = false;  ///< takes inputs of any strides, broadcast (stride 0) and reversed ones included
  bool tiled = false;    ///< an elementwise kernel that heeds KernelCall::tile
};

/// A backend's kernels, filled by explicit functions such as register_cpu(table).
class KernelTable {
 public:
  template <class Op> void add(Kernel run, DTypeSet dtypes, bool strided = false) {
    add(primitive_id<Op>(), {run, dtypes, strided});
  }
  void add(PrimitiveId id, KernelEntry entry);
  /// Says of kernels that are there already that they heed KernelCall::tile.
  template <class... Ops> void set_tiled() { (set_tiled(primitive_id<Ops>()), ...); }
  void set_tiled(PrimitiveId id);
  /// Null when the backend has no kernel for it.
  const KernelEntry* find(PrimitiveId id) const {
    auto i = static_cast<size_t>(id);
    return i < entries_.size() && entries_[i].run ? &entries_[i] : nullptr;
  }

 private:
  std::vector<KernelEntry> entries_;
};

}  // namespace weft
