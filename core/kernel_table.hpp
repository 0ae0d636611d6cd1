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

/// What a kernel is called with. Inputs are on one device and of dtypes that the kernel was registered for; contiguous
/// (row-major, no gaps) unless it was registered with `strided`. Outputs are freshly allocated, contiguous, of the
/// shapes and dtypes that the primitive's rule gave.
struct KernelCall {
  const void* attributes;
  std::span<const Tensor> inputs;
  std::span<Tensor> outputs;

  template <class Op> const Op& op() const { return *static_cast<const Op*>(attributes); }
};

/// Kernels never throw: everything was checked before.
using Kernel = void (*)(const KernelCall&);

struct KernelEntry {
  Kernel run = nullptr;
  DTypeSet dtypes;       ///< floating inputs of other types are converted to float32, and the result back
  bool strided = false;  ///< takes inputs of any strides, broadcast (stride 0) and reversed ones included
};

/// A backend's kernels, filled by explicit functions such as register_cpu(table).
class KernelTable {
 public:
  template <class Op> void add(Kernel run, DTypeSet dtypes, bool strided = false) {
    add(primitive_id<Op>(), {run, dtypes, strided});
  }
  void add(PrimitiveId id, KernelEntry entry);
  /// Null when the backend has no kernel for it.
  const KernelEntry* find(PrimitiveId id) const {
    auto i = static_cast<size_t>(id);
    return i < entries_.size() && entries_[i].run ? &entries_[i] : nullptr;
  }

 private:
  std::vector<KernelEntry> entries_;
};

}  // namespace weft
