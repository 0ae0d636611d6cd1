// Stands in for backends/cuda/blas/lt.cpp.

#include <weft/backends/cuda/blas/lt.hpp>
#include <weft/backends/cuda/emulation/guarded_memory.hpp>
#include <weft/backends/cuda/emulation/lt_stand_in.hpp>
#include <weft/backends/cuda/libraries.hpp>

namespace weft::cuda {
namespace {

bool (*stand_in)(const LtPlan&) = nullptr;

}  // namespace

void set_lt_stand_in(bool (*run)(const LtPlan&)) { stand_in = run; }
bool has_lt() { return libraries_allowed() && stand_in != nullptr; }
bool run_lt(const LtPlan& plan) {
  if (!has_lt()) return false;
  const emulation::OpenMemory open;
  return stand_in(plan);
}

}  // namespace weft::cuda
