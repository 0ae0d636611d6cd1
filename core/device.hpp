#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

class Backend;

/// Where a tensor lives: one device of one backend, such as `cpu`, `reference` or `cuda:1`.
class Device {
 public:
  /// The CPU.
  constexpr Device() = default;
  /// `"cpu"`, `"cuda"`, `"cuda:1"`; throws DeviceError listing the backends there are.
  Device(std::string_view name);
  Device(const char* name) : Device(std::string_view(name)) {}
  constexpr Device(uint8_t backend, uint8_t index) : backend_(backend), index_(index) {}

  Backend& backend() const;
  int index() const { return index_; }
  uint8_t backend_id() const { return backend_; }
  friend constexpr bool operator==(Device a, Device b) { return a.backend_ == b.backend_ && a.index_ == b.index_; }

 private:
  uint8_t backend_ = 0;
  uint8_t index_ = 0;
};

/// `cpu`, `cuda:1`.
std::string to_string(Device device);

/// Where this thread's new tensors go unless told otherwise; the CPU at first.
Device default_device();
void set_default_device(Device device);

/// Sets this thread's default device while it lives.
class DeviceScope {
 public:
  explicit DeviceScope(Device device) : before_(default_device()) { set_default_device(device); }
  ~DeviceScope() { set_default_device(before_); }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  Device before_;
};

}  // namespace weft
