#pragma once

#include <functional>

#include <weft/core/device.hpp>
#include <weft/core/recycle.hpp>
#include <weft/core/ref.hpp>

namespace weft {

/// A block of a device's memory, shared by the tensors that view it.
class Storage : public RefCounted, public Recycled {
 public:
  /// Fresh, uninitialised memory. Throws MemoryError.
  Storage(int64_t bytes, Device device);
  /// Memory that somebody else owns; `on_release` is called when the last tensor has gone.
  Storage(void* memory, int64_t bytes, Device device, std::function<void()> on_release);
  /// Without memory: where a result would be while a function is traced (see tracer.hpp).
  struct Traced {};
  Storage(int64_t bytes, Device device, Traced) : data_(nullptr), bytes_(bytes), device_(device), traced_(true) {}
  ~Storage();

  void* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  bool is_traced() const { return traced_; }
  /// Moves on to other memory of the same size, for storage whose memory somebody else owns: so a plan's tensors see
  /// the arguments and the state of each run.
  void point_at(void* memory) { data_ = memory; }

  /// Counts the in-place changes, so that autograd notices one between a forward and its backward.
  uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void* data_;
  int64_t bytes_;
  Device device_;
  bool traced_ = false;
  std::atomic<uint32_t> version_{0};
  std::function<void()> on_release_;
};

inline void retain_object(Storage* storage) { storage->retain(); }
inline void release_object(Storage* storage) {
  if (storage->release()) delete storage;
}

}  // namespace weft
