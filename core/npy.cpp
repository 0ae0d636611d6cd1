#include <weft/core/npy.hpp>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>

#include <weft/core/error.hpp>

namespace weft {
namespace {

// The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

constexpr std::string_view magic("\x93NUMPY", 6);
constexpr uint32_t longest_header = 1 << 20;

struct Header {
  std::string type;
  bool fortran = false;
  Shape shape;
};

/// A Python literal: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Header parse() {
    Header header;
    bool seen[3] = {};
    expect('{');
    while (!accept('}')) {
      std::string key = quoted();
      expect(':');
      int field = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : -1;
      if (field < 0 || seen[field]) fail("unexpected or repeated key '" + key + "'");
      seen[field] = true;
      if (field == 0) header.type = quoted();
      if (field == 1) header.fortran = boolean();
      if (field == 2) header.shape = tuple();
      if (!accept(',') && !(skip(), !text_.empty() && text_.front() == '}')) fail("expected ',' or '}'");
    }
    if (!seen[0] || !seen[1] || !seen[2]) fail("expected the keys descr, fortran_order and shape");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw FormatError(name_ + ": bad NPY header: " + what); }
  void skip() {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\n')) text_.remove_prefix(1);
  }
  bool accept(char wanted) {
    skip();
    if (text_.empty() || text_.front() != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail(std::string("expected '") + wanted + "'");
  }
  std::string quoted() {
    skip();
    char quote = text_.empty() ? 0 : text_.front();
    if (quote != '\'' && quote != '"') fail("expected a string");
    size_t end = text_.find(quote, 1);
    if (end == std::string_view::npos) fail("a string does not end");
    std::string result(text_.substr(1, end - 1));
    text_.remove_prefix(end + 1);
    return result;
  }
  bool boolean() {
    skip();
    for (std::string_view word : {"True", "False"})
      if (text_.substr(0, word.size()) == word) {
        text_.remove_prefix(word.size());
        return word == "True";
      }
    fail("expected True or False");
  }
  Shape tuple() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      skip();
      int64_t extent = -1;
      auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), extent);
      if (error != std::errc() || extent < 0) fail("expected an extent of 0 or more");
      text_.remove_prefix(static_cast<size_t>(end - text_.data()));
      if (shape.rank() == Shape::max_rank) fail("more than 8 axes");
      shape.push_back(extent);
      if (!accept(',') && !(skip(), !text_.empty() && text_.front() == ')')) fail("expected ',' or ')'");
    }
    return shape;
  }

  std::string_view text_;
  const std::string& name_;
};

struct TypeCode {
  std::string_view code;
  DType dtype;                                                         // that it is read as
  size_t size;                                                         // of an element in the file
  void (*widen)(const void* from, void* to, int64_t count) = nullptr;  // where the file's type is another
};

template <class From, class To> void widen(const void* from, void* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    From value;
    std::memcpy(&value, static_cast<const From*>(from) + i, sizeof value);
    static_cast<To*>(to)[i] = static_cast<To>(value);
  }
}

/// Any byte that is not 0 is true; a bool must hold nothing but 0 and 1.
void widen_bool(const void* from, void* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) static_cast<bool*>(to)[i] = static_cast<const uint8_t*>(from)[i] != 0;
}

constexpr TypeCode type_codes[] = {
    {"<f4", DType::float32, 4},
    {"<f8", DType::float64, 8},
    {"<f2", DType::float16, 2},
    {"<i4", DType::int32, 4},
    {"<i8", DType::int64, 8},
    {"|b1", DType::boolean, 1, widen_bool},
    {"|u1", DType::int32, 1, widen<uint8_t, int32_t>},
    {"|i1", DType::int32, 1, widen<int8_t, int32_t>},
    {"<u2", DType::int32, 2, widen<uint16_t, int32_t>},
    {"<i2", DType::int32, 2, widen<int16_t, int32_t>},
    {"<u4", DType::int64, 4, widen<uint32_t, int64_t>},
};

const TypeCode& type_of(const std::string& code, const std::string& name) {
  for (const TypeCode& type : type_codes)
    if (type.code == code) return type;
  throw FormatError(name + ": expected an element type such as <f4, <f8, <f2, <i4, <i8 or |b1, got '" + code + "'");
}

void read_exactly(std::istream& stream, void* to, int64_t bytes, const std::string& name, const char* what) {
  stream.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
  if (stream.gcount() != static_cast<std::streamsize>(bytes))
    throw FormatError(name + ": expected " + std::to_string(bytes) + " bytes of " + what + ", got " +
                      std::to_string(stream.gcount()));
}

Header read_header(std::istream& stream, const std::string& name) {
  unsigned char start[8];
  read_exactly(stream, start, 8, name, "NPY header");
  if (std::memcmp(start, magic.data(), magic.size()) != 0) throw FormatError(name + ": not an NPY file");
  if (start[6] < 1 || start[6] > 3)
    throw FormatError(name + ": expected NPY version 1 to 3, got " + std::to_string(start[6]));
  unsigned char digits[4] = {};
  read_exactly(stream, digits, start[6] == 1 ? 2 : 4, name, "NPY header");
  uint32_t length = digits[0] | digits[1] << 8 | digits[2] << 16 | static_cast<uint32_t>(digits[3]) << 24;
  if (length > longest_header)
    throw FormatError(name + ": expected an NPY header of at most 1 MB, got " + std::to_string(length) + " bytes");
  std::string text(length, ' ');
  read_exactly(stream, text.data(), length, name, "NPY header");
  return HeaderParser(text, name).parse();
}

/// How many bytes are left, where the stream can tell.
std::optional<int64_t> bytes_left(std::istream& stream) {
  std::streampos here = stream.tellg();
  if (here == std::streampos(-1)) {
    stream.clear();
    return std::nullopt;
  }
  stream.seekg(0, std::ios::end);
  std::streampos end = stream.tellg();
  stream.seekg(here);
  return static_cast<int64_t>(end - here);
}

std::string_view code_of(DType dtype) {
  for (const TypeCode& type : type_codes)
    if (type.dtype == dtype) return type.code;
  return "<f4";
}

}  // namespace

Tensor read_npy(std::istream& stream, const std::string& name) {
  Header header = read_header(stream, name);
  const TypeCode& type = type_of(header.type, name);
  int64_t bytes = 0;
  bool fits = true;
  try {
    fits = !__builtin_mul_overflow(header.shape.elements(), static_cast<int64_t>(type.size), &bytes);
  } catch (const ShapeError&) { fits = false; }
  // Before memory is asked for: a damaged shape may claim anything.
  std::optional<int64_t> left = bytes_left(stream);
  if (!fits || (left && *left < bytes))
    throw FormatError(name + ": shape " + to_string(header.shape) + " of " + header.type + " needs more than the " +
                      (left ? std::to_string(*left) : std::string("given")) + " bytes of data");
  Shape stored = header.shape;
  if (header.fortran)
    for (int i = 0; i < stored.rank(); ++i) stored[i] = header.shape[stored.rank() - 1 - i];
  Tensor tensor = Tensor::empty(stored, type.dtype, Device());
  if (type.widen) {
    std::vector<char> raw(static_cast<size_t>(bytes));
    read_exactly(stream, raw.data(), bytes, name, "data");
    type.widen(raw.data(), tensor.mutable_raw(), tensor.elements());
  } else {
    read_exactly(stream, tensor.mutable_raw(), bytes, name, "data");
  }
  if (!header.fortran) return tensor;
  Strides strides = tensor.strides();
  for (int i = 0; i < strides.rank(); ++i) strides[i] = tensor.strides()[strides.rank() - 1 - i];
  return tensor.strided_view(header.shape, strides, 0);
}

Tensor load_npy(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw FileError("cannot read '" + path + "': " + std::strerror(errno));
  return read_npy(stream, path);
}

void write_npy(std::ostream& stream, const Tensor& tensor, const std::string& name) {
  Tensor host = tensor.to(Device()).contiguous();
  if (host.dtype() == DType::bfloat16) {
    Tensor wide = Tensor::empty(host.shape(), DType::float32, Device());
    copy_elements(host, wide);
    host = wide;
  }
  std::string shape;
  for (int64_t extent : host.shape()) shape += std::to_string(extent) + ", ";
  if (host.rank() > 1) shape.resize(shape.size() - 2);
  if (host.rank() == 1) shape.resize(shape.size() - 1);
  std::string header =
      "{'descr': '" + std::string(code_of(host.dtype())) + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  // The data start at a multiple of 64.
  header.append(63 - (magic.size() + 4 + header.size()) % 64, ' ');
  header += '\n';
  stream.write(magic.data(), static_cast<std::streamsize>(magic.size()));
  const char rest[4] = {1, 0, static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  stream.write(rest, 4);
  stream.write(header.data(), static_cast<std::streamsize>(header.size()));
  stream.write(static_cast<const char*>(host.raw()), static_cast<std::streamsize>(host.bytes()));
  if (!stream) throw FileError("cannot write '" + name + "': " + std::strerror(errno));
}

void save_npy(const std::string& path, const Tensor& tensor) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  if (!stream) throw FileError("cannot write '" + path + "': " + std::strerror(errno));
  write_npy(stream, tensor, path);
  stream.close();
  if (!stream) throw FileError("cannot write '" + path + "': " + std::strerror(errno));
}

}  // namespace weft
