#pragma once

#include <initializer_list>
#include <string>

namespace weft::cuda {

/// A shared library that is opened while the program runs, so that programs start without it. It is never closed:
/// libraries of GPUs do not take that well. Looked for in the folders of WEFT_CUDA_LIBRARY_PATH (colons between them),
/// where the system looks, and in /usr/local/cuda.
class DynamicLibrary {
 public:
  /// Opens the first of `names` that is found, e.g. {"libcudnn.so.9"}.
  explicit DynamicLibrary(std::initializer_list<const char*> names);

  explicit operator bool() const { return handle_ != nullptr; }
  /// The address of a function or variable; null when the library has none of that name or was not found.
  void* find(const char* symbol) const;
  /// dlopen()'s handle, for headers that look symbols up themselves.
  void* native() const { return handle_; }
  /// Why the library was not found, in the system's words; empty when it was.
  const std::string& problem() const { return problem_; }

 private:
  void* handle_ = nullptr;
  std::string problem_;
};

/// A function of a library behind a pointer of its declared type: find<decltype(&cudnnCreate)>(library, "cudnnCreate").
template <class F> F find(const DynamicLibrary& library, const char* symbol) {
  return reinterpret_cast<F>(library.find(symbol));
}

}  // namespace weft::cuda
