#include <weft/backends/cpu/isa/make_kernels.hpp>

namespace weft::cpu {

// Constant-initialised: nothing of this unit runs before the CPU has been asked what it can do.
constinit const IsaKernels kernels_avx2 = make_isa_kernels<simd::Avx2>();

}  // namespace weft::cpu
