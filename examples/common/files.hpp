#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace weft::examples {

/// Writes through a temporary neighbour and a rename, so that a full disk or a crash leaves an older file whole.
/// Missing parent folders are made. Throws FileError.
void replace_file(const std::filesystem::path& path, std::string_view bytes);

/// Standard base64 with padding, for data URIs.
std::string base64(std::string_view bytes);

}  // namespace weft::examples
