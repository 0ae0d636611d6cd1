#include <weft/backends/cuda/dynamic_library.hpp>

#include <dlfcn.h>

#include <cstdlib>
#include <sstream>
#include <vector>

namespace weft::cuda {

DynamicLibrary::DynamicLibrary(std::initializer_list<const char*> names) {
  std::vector<std::string> folders;
  if (const char* chosen = std::getenv("WEFT_CUDA_LIBRARY_PATH")) {
    std::istringstream text(chosen);
    for (std::string folder; std::getline(text, folder, ':');)
      if (!folder.empty()) folders.push_back(folder + "/");
  }
  folders.insert(folders.end(), {"", "/usr/local/cuda/lib64/"});
  for (const std::string& folder : folders)
    for (const char* name : names) {
      handle_ = dlopen((folder + name).c_str(), RTLD_NOW | RTLD_LOCAL);
      if (handle_) {
        problem_.clear();
        return;
      }
      // Of the places looked at, the one that a person chose or else the system's is worth naming.
      if (const char* why = dlerror(); why && problem_.empty()) problem_ = why;
    }
}

void* DynamicLibrary::find(const char* symbol) const { return handle_ ? dlsym(handle_, symbol) : nullptr; }

}  // namespace weft::cuda
