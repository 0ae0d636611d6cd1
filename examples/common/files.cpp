#include <weft/examples/common/files.hpp>

#include <cstdint>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>

namespace weft::examples {

void replace_file(const std::filesystem::path& path, std::string_view bytes) {
  std::error_code error;
  auto check = [&](const char* action, const std::filesystem::path& subject) {
    if (error) throw FileError(std::string(action) + ' ' + subject.string() + ": " + error.message());
  };
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  check("cannot create the folder", path.parent_path());
  std::filesystem::path temporary = path;
  temporary += ".partial";
  std::error_code ignored;
  try {
    write_file(temporary.string(), bytes);
  } catch (const FileError&) {
    std::filesystem::remove(temporary, ignored);
    throw;
  }
  std::filesystem::rename(temporary, path, error);
  if (error) std::filesystem::remove(temporary, ignored);
  check("cannot write", path);
}

std::string base64(std::string_view bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0u);
    for (size_t j = 0; j < 4; ++j) text += i + j <= bytes.size() ? digits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

}  // namespace weft::examples
