#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <weft/core/ref.hpp>

namespace weft {

/// Base of every error that Weft throws. The text names the layer's path or the op, what was expected, and what came.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message);
};

/// A shape, rank or axis that does not fit.
class ShapeError : public Error {
  using Error::Error;
};
/// An element type that the op does not take.
class DTypeError : public Error {
  using Error::Error;
};
/// Tensors on different devices, an unknown device, or a missing kernel.
class DeviceError : public Error {
  using Error::Error;
};
/// An index outside its axis.
class IndexError : public Error {
  using Error::Error;
};
/// An argument whose value makes no sense.
class ValueError : public Error {
  using Error::Error;
};
/// An object used at the wrong time: a spent pullback, an uninitialised parameter, an in-place change after use.
class StateError : public Error {
  using Error::Error;
};
/// A file that is not what it claims to be.
class FormatError : public Error {
  using Error::Error;
};
/// A file that cannot be read or written: missing, no permission, disk full.
class FileError : public Error {
  using Error::Error;
};
/// More memory asked for than there is, or than the limit allows.
class MemoryError : public Error {
  using Error::Error;
};
/// A NaN or infinity where NaN mode or a training step forbids one.
class NonFiniteError : public Error {
  using Error::Error;
};

/// A dotted path kept at little cost: those who keep one within the same scopes share it.
class ErrorPath {
 public:
  bool empty() const { return !innermost_; }
  std::string text() const;

 private:
  friend class ErrorScope;
  struct Part : RefCounted {
    Ref<Part> outer;
    std::string name;
    friend void retain_object(Part* part) { part->retain(); }
    friend void release_object(Part* part) {
      if (part->release()) delete part;
    }
  };
  Ref<Part> innermost_;
};

/// While it lives, errors raised on this thread start with `name` (joined by dots with the names outside it):
/// `attend.key: expected inputs with 512 features, got [8, 64, 256]`.
class ErrorScope {
 public:
  explicit ErrorScope(std::string_view name);
  ~ErrorScope();
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;

  /// The dotted path of the scopes that are open on this thread; empty outside any.
  static std::string path();
  /// The same, to be kept.
  static ErrorPath kept_path();

 private:
  struct Open {
    std::string_view name;
    ErrorPath kept;
  };
  static std::vector<Open>& open();
};

}  // namespace weft
