#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace weft::examples::fusion {

/// A file of little-endian float32 rows of `columns` values without header, as LiDAR scans are kept. Throws FileError,
/// and FormatError for a file that ends within a row and for the first value that is not finite, naming its row.
std::vector<float> read_float_rows(const std::filesystem::path& path, int64_t columns);

/// Writes such a file. Throws FileError.
void write_float_rows(const std::filesystem::path& path, std::span<const float> values);

/// Writes any small file without waiting for the disk; missing folders are made. Throws FileError.
void write_plainly(const std::filesystem::path& path, std::string_view bytes);

}  // namespace weft::examples::fusion
