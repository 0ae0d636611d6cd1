#include <weft/backends/cpu/conv_pack.hpp>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/scratch.hpp>
#include <weft/core/parallel.hpp>

namespace weft::cpu {

template <class T> int64_t PackedKernel<T>::offset(size_t phase, int64_t group, int64_t panel) const {
  int64_t before = 0;
  for (size_t i = 0; i < phase; ++i) before += phases_[i].taps();
  return rows_ *
         (before * groups_ * panels_.all() + phases_[phase].taps() * (group * panels_.all() + panels_.begin(panel)));
}

template <class T>
PackedKernel<T>::PackedKernel(const std::array<ConvAxis, 3>& axes, ConvPhases phases, const KernelView<T>& kernel,
                              int64_t groups, int64_t rows, const ConvPanels& panels)
    : phases_(phases), panels_(panels), groups_(groups), rows_(rows) {
  int64_t taps = 0;
  for (const ConvPhase& phase : phases) taps += phase.taps();
  const int64_t total = taps * rows * groups * panels.all();
  packed_ = scratch<T>(ScratchUse::conv_packed, total);
  const auto& gemm = isa_kernels().gemm.of<T>();
  auto pack = [&](int64_t task) {
    const int64_t group = task % groups;
    int64_t tap = task / groups;
    size_t phase = 0;
    while (tap >= phases[phase].taps()) tap -= phases[phase++].taps();
    const T* from = kernel.at(phases[phase].window_index(tap, axes), group);
    for (int64_t panel = 0; panel < panels.count; ++panel) {
      const int64_t width = panels.width(panel);
      gemm.pack(rows, panels.size(panel), from + panels.begin(panel) * kernel.column, kernel.row, kernel.column,
                packed_ + offset(phase, group, panel) + tap * rows * width, width);
    }
  };
  if (total >= 64 * 1024) parallel_for(taps * groups, pack);
  else
    for (int64_t task = 0; task < taps * groups; ++task) pack(task);
}

template class PackedKernel<float>;
template class PackedKernel<double>;

}  // namespace weft::cpu
