#include <weft/core/backend.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <mutex>

#include <weft/core/error.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

constexpr size_t most_backends = 16;

struct Registry {
  std::mutex mutex;
  std::unique_ptr<Backend> backends[most_backends];
  size_t count = 0;

  Registry() {
    for (auto& backend : built_in_backends()) backends[count++] = std::move(backend);
  }
};

// Never destroyed: tensors in static storage give their memory back at exit.
Registry& registry() {
  static Registry& instance = *new Registry;
  return instance;
}

thread_local Device current_device;

}  // namespace

void Backend::copy_elements(const Tensor&, Tensor& target) {
  throw DeviceError("copy: strided copies on " + to_string(target.device()) + " need its copy kernel");
}

void HostBackend::copy_to_host(void* host, const void* memory, int64_t bytes, int) {
  if (bytes > 0) std::memcpy(host, memory, static_cast<size_t>(bytes));
}

void HostBackend::copy_from_host(void* memory, const void* host, int64_t bytes, int) {
  if (bytes > 0) std::memcpy(memory, host, static_cast<size_t>(bytes));
}

Device register_backend(std::unique_ptr<Backend> backend) {
  Registry& known = registry();
  std::lock_guard lock(known.mutex);
  for (size_t i = 0; i < known.count; ++i)
    if (known.backends[i]->name() == backend->name())
      throw DeviceError("register_backend: there is a backend named '" + backend->name() + "' already");
  if (known.count == most_backends) throw DeviceError("register_backend: expected at most 16 backends");
  known.backends[known.count] = std::move(backend);
  return Device(static_cast<uint8_t>(known.count++), 0);
}

std::vector<std::string> backend_names() {
  Registry& known = registry();
  std::lock_guard lock(known.mutex);
  std::vector<std::string> names;
  for (size_t i = 0; i < known.count; ++i) names.push_back(known.backends[i]->name());
  return names;
}

Device::Device(std::string_view name) {
  std::string_view stem = name.substr(0, name.find(':'));
  std::vector<std::string> names = backend_names();
  auto found = std::find(names.begin(), names.end(), stem);
  if (found == names.end()) {
    std::string list;
    for (const std::string& known : names) list += (list.empty() ? "" : ", ") + known;
    throw DeviceError("device '" + std::string(name) +
                      "': " + (stem == "cuda" ? "this build has no CUDA backend (cmake -DWEFT_CUDA=ON); " : "") +
                      "expected one of " + list);
  }
  backend_ = static_cast<uint8_t>(found - names.begin());
  if (backend().device_count() == 0)
    throw DeviceError("device '" + std::string(name) + "': " + backend().unavailable());
  if (stem.size() == name.size()) return;
  int number = -1;
  std::string_view digits = name.substr(stem.size() + 1);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < 0 || number >= backend().device_count())
    throw DeviceError("device '" + std::string(name) + "': expected a number below " +
                      std::to_string(backend().device_count()) + " after the colon");
  index_ = static_cast<uint8_t>(number);
}

Backend& Device::backend() const { return *registry().backends[backend_]; }

std::string to_string(Device device) {
  std::string name = device.backend().name();
  return device.backend().device_count() > 1 ? name + ":" + std::to_string(device.index()) : name;
}

Device default_device() { return current_device; }
void set_default_device(Device device) { current_device = device; }

MemoryStats memory_stats(Device device) { return device.backend().memory_stats(device.index()); }
void set_memory_limit(int64_t bytes, Device device) { device.backend().set_memory_limit(bytes, device.index()); }

}  // namespace weft
