#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include <weft/backends/cpu/conv_phases.hpp>

namespace weft::cpu {

/// How `columns` are cut into panels of whole registers, nearly equally wide.
struct ConvPanels {
  int64_t lanes, columns, vectors, count;
  ConvPanels(int64_t columns, int64_t lanes, int64_t most)
      : lanes(lanes), columns(columns), vectors((columns + lanes - 1) / lanes), count((columns + most - 1) / most) {}

  int64_t begin(int64_t panel) const { return panel * vectors / count * lanes; }
  /// Columns of a panel, and those with the padding of the last one.
  int64_t size(int64_t panel) const { return std::min(begin(panel + 1), columns) - begin(panel); }
  int64_t width(int64_t panel) const { return begin(panel + 1) - begin(panel); }
  int64_t all() const { return vectors * lanes; }
};

/// A kernel as a matrix for every window element and group, in place: forward [in, out], or turned for the gradient of
/// the input: [out, in], the window elements from the last to the first.
template <class T> struct KernelView {
  const T* data;
  int64_t tap, row, column, group;
  const T* at(int64_t window_element, int64_t of_group) const { return data + window_element * tap + of_group * group; }
};

/// The kernel's matrices copied to panels: for each phase, group and panel a matrix [taps, rows, width].
template <class T> class PackedKernel {
 public:
  PackedKernel(const std::array<ConvAxis, 3>& axes, ConvPhases phases, const KernelView<T>& kernel, int64_t groups,
               int64_t rows, const ConvPanels& panels);
  const T* at(size_t phase, int64_t group, int64_t panel) const { return packed_ + offset(phase, group, panel); }

 private:
  int64_t offset(size_t phase, int64_t group, int64_t panel) const;

  ConvPhases phases_;
  ConvPanels panels_;
  int64_t groups_, rows_;
  T* packed_;
};

}  // namespace weft::cpu
