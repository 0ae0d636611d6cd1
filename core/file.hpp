#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft {

/// The whole file. Throws FileError naming the path and the system's reason.
std::string read_file(const std::string& path);

/// Writes the whole file from its parts and flushes it to disk (fsync). Throws FileError.
void write_file(const std::string& path, const std::vector<std::string_view>& parts);
void write_file(const std::string& path, std::string_view content);

/// Flushes a folder's entries to disk, so that a rename in it survives a power cut.
void sync_folder(const std::string& path);

}  // namespace weft
