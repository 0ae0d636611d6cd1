#pragma once

#include <map>
#include <string>
#include <vector>

#include <weft/core/tensor.hpp>

namespace weft {

/// The content of a safetensors file: named tensors in host memory, and string metadata.
struct SafetensorsFile {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Reads the format of https://github.com/huggingface/safetensors: eight bytes with the little-endian length of a JSON
/// header, the header, the data. Element types F32, F64, F16, BF16, I32, I64, BOOL and U8 (read as bool when
/// `u8_is_bool`, else as int32). Throws FileError when the file cannot be read, and FormatError naming file and tensor
/// for a truncated or oversized file, a header beyond 100 MB, bad JSON, duplicate names, unknown types, and data that
/// overlap, leave a gap, or disagree with shape and type.
SafetensorsFile read_safetensors(const std::string& path, bool u8_is_bool = true);

/// Writes tensors (of any strides and device) sorted by name, aligned to 8 bytes; the file is flushed to disk. Throws
/// FileError, naming the path, when that fails; what was there before is then lost, so write to a temporary name and
/// rename.
void write_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace weft
