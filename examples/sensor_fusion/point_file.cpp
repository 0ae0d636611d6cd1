#include <weft/examples/sensor_fusion/point_file.hpp>

#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>
#include <weft/examples/sensor_fusion/text_fields.hpp>

namespace weft::examples::fusion {

static_assert(std::endian::native == std::endian::little, "the files' floats are little-endian");

std::vector<float> read_float_rows(const std::filesystem::path& path, int64_t columns) {
  std::string bytes = read_file(path.string());
  size_t row = static_cast<size_t>(columns) * sizeof(float);
  if (bytes.size() % row != 0)
    throw FormatError(fmt::format("{}: expected whole points of {} bytes, got {} bytes, which end within point {}",
                                  short_name(path.string()), row, bytes.size(), bytes.size() / row));
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      throw FormatError(fmt::format("{}: point {}, value {}: expected a finite number, got {}",
                                    short_name(path.string()), i / static_cast<size_t>(columns),
                                    i % static_cast<size_t>(columns), values[i]));
  return values;
}

void write_float_rows(const std::filesystem::path& path, std::span<const float> values) {
  write_plainly(path, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

void write_plainly(const std::filesystem::path& path, std::string_view bytes) {
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw FileError("cannot write " + path.string() + ": " + std::strerror(errno));
}

}  // namespace weft::examples::fusion
