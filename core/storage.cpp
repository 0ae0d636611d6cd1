#include <weft/core/storage.hpp>

#include <weft/core/backend.hpp>

namespace weft {

Storage::Storage(int64_t bytes, Device device)
    : data_(device.backend().allocate(bytes, device.index())), bytes_(bytes), device_(device) {}

Storage::Storage(void* memory, int64_t bytes, Device device, std::function<void()> on_release)
    : data_(memory), bytes_(bytes), device_(device), on_release_(std::move(on_release)) {}

Storage::~Storage() {
  if (on_release_) on_release_();
  else if (data_) device_.backend().deallocate(data_, bytes_, device_.index());
}

}  // namespace weft
