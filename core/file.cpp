#include <weft/core/file.hpp>

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/core/error.hpp>

namespace weft {
namespace {

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  throw FileError(what + " '" + path + "': " + std::strerror(errno));
}

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags, const char* what)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (fd_ < 0) fail(what, path);
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  /// A full disk may show only when the file is closed.
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

}  // namespace

std::string read_file(const std::string& path) {
  Descriptor file(path, O_RDONLY, "cannot read");
  struct stat status;
  if (::fstat(file.get(), &status) != 0) fail("cannot read", path);
  if (S_ISDIR(status.st_mode)) throw FileError("cannot read '" + path + "': it is a folder");
  std::string content;
  content.reserve(static_cast<size_t>(status.st_size));
  char buffer[1 << 16];
  while (true) {
    ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot read", path);
    if (count == 0) return content;
    content.append(buffer, static_cast<size_t>(count));
  }
}

void write_file(const std::string& path, const std::vector<std::string_view>& parts) {
  Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC, "cannot write");
  for (std::string_view part : parts) {
    while (!part.empty()) {
      ssize_t count = ::write(file.get(), part.data(), part.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("cannot write", path);
      part.remove_prefix(static_cast<size_t>(count));
    }
  }
  // Devices and pipes cannot be flushed, and need not be.
  if (::fsync(file.get()) != 0 && errno != EINVAL && errno != EROFS) fail("cannot write", path);
  if (!file.close()) fail("cannot write", path);
}

void write_file(const std::string& path, std::string_view content) {
  write_file(path, std::vector<std::string_view>{content});
}

void sync_folder(const std::string& path) {
  Descriptor folder(path, O_RDONLY | O_DIRECTORY, "cannot open folder");
  if (::fsync(folder.get()) != 0 && errno != EINVAL) fail("cannot flush folder", path);
}

}  // namespace weft
