#pragma once

#include <atomic>
#include <cstdlib>
#include <string_view>

namespace weft::cuda {

/// A setting that begins as the environment says: on for "1", off for "0", and as usual for anything else.
class EnvironmentSwitch {
 public:
  EnvironmentSwitch(const char* name, bool usually) : on_(usually) {
    const char* text = std::getenv(name);
    if (text && std::string_view(text) == "1") on_ = true;
    if (text && std::string_view(text) == "0") on_ = false;
  }
  operator bool() const { return on_; }
  void set(bool on) { on_ = on; }

 private:
  std::atomic<bool> on_;
};

}  // namespace weft::cuda
