#include <weft/backends/cpu/isa.hpp>

#include <atomic>
#include <cstdlib>
#include <string>

#include <weft/core/error.hpp>

namespace weft::cpu {
namespace {

struct Isa {
  std::string_view name;
  const IsaKernels* kernels;
  bool (*supported)();
};

// __builtin_cpu_supports also asks whether the operating system saves the registers.
constexpr Isa isas[] = {
#ifdef WEFT_CPU_HAS_AVX512
    {"avx512", &kernels_avx512,
     [] {
       return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
              __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
     }},
#endif
#ifdef WEFT_CPU_HAS_AVX2
    // Every processor with AVX2 and FMA has the half-precision conversions too.
    {"avx2", &kernels_avx2, [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }},
#endif
#ifdef WEFT_CPU_HAS_SSE2
    {"sse2", &kernels_sse2, [] { return true; }},
#endif
#ifdef WEFT_CPU_HAS_NEON
    {"neon", &kernels_neon, [] { return true; }},
#endif
};

const Isa& find_isa(std::string_view name, const char* who) {
  std::string names;
  for (const Isa& isa : isas) {
    if (!isa.supported()) continue;
    if (isa.name == name) return isa;
    names += names.empty() ? "" : ", ";
    names += isa.name;
  }
  throw ValueError(std::string(who) + ": expected an instruction set of this build and processor (" + names +
                   "), got \"" + std::string(name) + '"');
}

const Isa& initial_isa() {
  if (const char* name = std::getenv("WEFT_CPU_ISA"); name && *name) return find_isa(name, "WEFT_CPU_ISA");
  for (const Isa& isa : isas)
    if (isa.supported()) return isa;
  __builtin_unreachable();  // the last of the list needs nothing beyond the architecture
}

std::atomic<const Isa*>& current() {
  static std::atomic<const Isa*> isa{&initial_isa()};
  return isa;
}

}  // namespace

const IsaKernels& isa_kernels() { return *current().load(std::memory_order_relaxed)->kernels; }
std::string_view isa_name() { return current().load(std::memory_order_relaxed)->name; }
void set_isa(std::string_view name) { current().store(&find_isa(name, "set_isa"), std::memory_order_relaxed); }

std::vector<std::string_view> available_isas() {
  std::vector<std::string_view> names;
  for (const Isa& isa : isas)
    if (isa.supported()) names.push_back(isa.name);
  return names;
}

}  // namespace weft::cpu
