#pragma once

#include <string_view>
#include <vector>

#include <weft/backends/cpu/isa/kernels.hpp>

namespace weft::cpu {

/// The kernels of the best instruction set that this build and this processor have, or of the one that WEFT_CPU_ISA
/// names. The first call throws ValueError when that one is not available.
const IsaKernels& isa_kernels();
/// "avx512", "avx2", "sse2" or "neon".
std::string_view isa_name();
/// Best first.
std::vector<std::string_view> available_isas();
/// Changes the choice; not while kernels run. Throws ValueError naming those that exist.
void set_isa(std::string_view name);

}  // namespace weft::cpu
