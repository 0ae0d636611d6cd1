#pragma once

#include <iosfwd>
#include <string>

#include <weft/core/tensor.hpp>

namespace weft {

/// Reads an array that NumPy saved (.npy, versions 1 to 3): little-endian float32, float64, float16, int32, int64 and
/// bool, unsigned and short integers as the next wider type there is. Fortran order gives a tensor with such strides.
/// Throws FileError when the file cannot be read, FormatError naming what is wrong with it.
Tensor load_npy(const std::string& path);
/// The same from a stream at the start of the array; `name` is for messages.
Tensor read_npy(std::istream& stream, const std::string& name);

/// Writes a tensor as NumPy does, version 1.0, row-major. bfloat16, which NumPy lacks, is written as float32. Throws
/// FileError, naming the reason, when not everything could be written.
void save_npy(const std::string& path, const Tensor& tensor);
void write_npy(std::ostream& stream, const Tensor& tensor, const std::string& name);

}  // namespace weft
