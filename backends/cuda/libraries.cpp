#include <weft/backends/cuda/libraries.hpp>

#include <weft/backends/cuda/environment_switch.hpp>

namespace weft::cuda {
namespace {

/// `version` is a function of the library that gives 10000 major + 100 minor + patch.
std::string described(const std::string& name, const DynamicLibrary& library, const char* version) {
  if (!library) return name + " not found (" + library.problem() + ")";
  const auto get_version = find<size_t (*)()>(library, version);
  if (!get_version) return name + " without " + version;
  const size_t number = get_version();
  return name + " " + std::to_string(number / 10000) + "." + std::to_string(number / 100 % 100) + "." +
         std::to_string(number % 100);
}

EnvironmentSwitch& libraries() {
  static EnvironmentSwitch allowed("WEFT_CUDA_LIBRARIES", true);
  return allowed;
}

}  // namespace

bool libraries_allowed() { return libraries(); }
void allow_libraries(bool allowed) { libraries().set(allowed); }

const DynamicLibrary& cublas_lt_library() {
  static const DynamicLibrary library({"libcublasLt.so.13"});
  return library;
}

const DynamicLibrary& cudnn_library() {
  static const DynamicLibrary library({"libcudnn.so.9"});
  return library;
}

std::string cuda_libraries() {
  const std::string unused = libraries_allowed() ? "" : " (not used: WEFT_CUDA_LIBRARIES=0 or allow_libraries(false))";
  return described("cuBLASLt", cublas_lt_library(), "cublasLtGetVersion") + ", " +
         described("cuDNN", cudnn_library(), "cudnnGetVersion") + unused;
}

}  // namespace weft::cuda
