#include <weft/backends/cuda/precision.hpp>

#include <weft/backends/cuda/environment_switch.hpp>

namespace weft::cuda {
namespace {

EnvironmentSwitch& tf32() {
  static EnvironmentSwitch allowed("WEFT_CUDA_TF32", false);
  return allowed;
}

}  // namespace

bool tf32_allowed() { return tf32(); }
void allow_tf32(bool allowed) { tf32().set(allowed); }

}  // namespace weft::cuda
