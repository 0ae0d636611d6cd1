#include <weft/backends/cuda/cudnn/library.hpp>

#include <map>
#include <mutex>
#include <vector>

#include <weft/backends/cuda/cudnn/frontend.hpp>
#include <weft/backends/cuda/libraries.hpp>
#include <weft/backends/cuda/stream.hpp>

namespace cudnn_frontend {
void* cudnn_dlhandle = nullptr;  // the headers declare it, for their user to define
}

namespace weft::cuda::cudnn {
namespace {

/// The few calls that the frontend's headers do not make.
struct Calls {
  decltype(&cudnnCreate) create = nullptr;
  decltype(&cudnnSetStream) set_stream = nullptr;

  static const Calls& get() {
    static const Calls calls = [] {
      const DynamicLibrary& library = cudnn_library();
      cudnn_frontend::cudnn_dlhandle = library.native();
      return Calls{find<decltype(&cudnnCreate)>(library, "cudnnCreate"),
                   find<decltype(&cudnnSetStream)>(library, "cudnnSetStream")};
    }();
    return calls;
  }
  explicit operator bool() const { return create && set_stream; }
};

/// Handles that no thread holds, by device. They outlive the program's own objects: the driver may be gone by then.
struct Spares {
  std::mutex mutex;
  std::map<int, std::vector<cudnnHandle_t>> of;

  static Spares& get() {
    static auto* spares = new Spares;
    return *spares;
  }
};

/// This thread's handles, by device; the next thread takes them over.
struct Held {
  std::map<int, cudnnHandle_t> of;
  ~Held() {
    Spares& spares = Spares::get();
    std::lock_guard lock(spares.mutex);
    for (auto [device, handle] : of) spares.of[device].push_back(handle);
  }
};

/// Null where cuDNN makes none.
cudnnHandle_t take(int device) {
  {
    Spares& spares = Spares::get();
    std::lock_guard lock(spares.mutex);
    auto& there = spares.of[device];
    if (!there.empty()) {
      cudnnHandle_t handle = there.back();
      there.pop_back();
      return handle;
    }
  }
  cudnnHandle_t handle = nullptr;
  return Calls::get().create(&handle) == CUDNN_STATUS_SUCCESS ? handle : nullptr;
}

}  // namespace

bool open() { return static_cast<bool>(Calls::get()); }

cudnnHandle_t handle(Device device) {
  if (!libraries_allowed() || !open()) return nullptr;
  thread_local Held held;
  auto found = held.of.find(device.index());
  if (found == held.of.end()) {
    cudnnHandle_t taken = take(device.index());
    if (!taken) return nullptr;
    found = held.of.emplace(device.index(), taken).first;
  }
  return Calls::get().set_stream(found->second, current_stream()) == CUDNN_STATUS_SUCCESS ? found->second : nullptr;
}

}  // namespace weft::cuda::cudnn
