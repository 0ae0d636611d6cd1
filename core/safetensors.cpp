#include <weft/core/safetensors.hpp>

#include <algorithm>
#include <cstring>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>

namespace weft {
namespace {

using Json = nlohmann::json;
constexpr uint64_t largest_header = 100'000'000;

struct TypeName {
  const char* name;
  DType dtype;
};
constexpr TypeName type_names[] = {{"F32", DType::float32},   {"F64", DType::float64}, {"F16", DType::float16},
                                   {"BF16", DType::bfloat16}, {"I32", DType::int32},   {"I64", DType::int64},
                                   {"BOOL", DType::boolean}};

[[noreturn]] void bad(const std::string& path, const std::string& what) { throw FormatError(path + ": " + what); }

/// Parses the header; nlohmann keeps the last of two equal keys, so duplicates are looked for on the way.
Json parse_header(const std::string& path, std::string_view text) {
  std::vector<std::set<std::string>> keys;
  auto watch_keys = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
      bad(path, "the header names '" + value.get<std::string>() + "' twice");
    return true;
  };
  try {
    return Json::parse(text, watch_keys);
  } catch (const Json::exception& error) { bad(path, std::string("the header is not JSON: ") + error.what()); }
}

struct Entry {
  std::string name, type;
  Shape shape;
  uint64_t begin = 0, end = 0;
};

Entry read_entry(const std::string& path, const std::string& name, const Json& value, uint64_t data_bytes) {
  Entry entry;
  entry.name = name;
  auto field = [&](const char* key, Json::value_t type) -> const Json& {
    if (!value.is_object() || !value.contains(key) || value[key].type() != type)
      bad(path, "tensor '" + name + "' has no proper field '" + key + "'");
    return value[key];
  };
  entry.type = field("dtype", Json::value_t::string).get<std::string>();
  std::vector<int64_t> extents;
  for (const Json& extent : field("shape", Json::value_t::array)) {
    if (!extent.is_number_unsigned() || extent.get<uint64_t>() > uint64_t{1} << 62)
      bad(path, "tensor '" + name + "' has a shape with something else than sizes in it");
    extents.push_back(extent.get<int64_t>());
  }
  if (extents.size() > Shape::max_rank)
    bad(path, "tensor '" + name + "' has " + std::to_string(extents.size()) + " axes; at most 8 are supported");
  entry.shape = Shape(extents);
  const Json& offsets = field("data_offsets", Json::value_t::array);
  if (offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
    bad(path, "tensor '" + name + "' has no proper field 'data_offsets'");
  entry.begin = offsets[0].get<uint64_t>();
  entry.end = offsets[1].get<uint64_t>();
  if (entry.begin > entry.end || entry.end > data_bytes)
    bad(path, "tensor '" + name + "' lies at bytes " + std::to_string(entry.begin) + " to " +
                  std::to_string(entry.end) + ", beyond the " + std::to_string(data_bytes) + " bytes of data");
  return entry;
}

int64_t elements_of(const std::string& path, const Entry& entry) {
  try {
    return entry.shape.elements();
  } catch (const ShapeError&) {
    bad(path, "tensor '" + entry.name + "' has the impossible shape " + to_string(entry.shape));
  }
}

Tensor read_tensor(const std::string& path, const Entry& entry, const char* data, bool u8_is_bool) {
  int64_t elements = elements_of(path, entry);
  auto bytes = static_cast<int64_t>(entry.end - entry.begin);
  bool u8 = entry.type == "U8";
  const TypeName* type = std::find_if(std::begin(type_names), std::end(type_names),
                                      [&](const TypeName& known) { return entry.type == known.name; });
  if (!u8 && type == std::end(type_names))
    bad(path, "tensor '" + entry.name + "' is of the unsupported type '" + entry.type + "'");
  int64_t size = u8 ? 1 : size_of(type->dtype);
  int64_t expected;
  if (__builtin_mul_overflow(elements, size, &expected) || expected != bytes)
    bad(path, "tensor '" + entry.name + "' of type " + entry.type + " and shape " + to_string(entry.shape) + " has " +
                  std::to_string(bytes) + " bytes of data");
  DType dtype = !u8 ? type->dtype : u8_is_bool ? DType::boolean : DType::int32;
  Tensor tensor = Tensor::empty(entry.shape, dtype, Device());
  if (dtype == DType::boolean) {
    for (int64_t i = 0; i < elements; ++i) {
      if (data[i] != 0 && data[i] != 1)
        bad(path, "tensor '" + entry.name + "' holds a boolean that is neither 0 nor 1");
      tensor.mutable_raw_as<bool>()[i] = data[i] != 0;
    }
  } else if (u8) {
    for (int64_t i = 0; i < elements; ++i) tensor.mutable_raw_as<int32_t>()[i] = static_cast<unsigned char>(data[i]);
  } else if (bytes > 0) {
    std::memcpy(tensor.mutable_raw(), data, static_cast<size_t>(bytes));
  }
  return tensor;
}

}  // namespace

SafetensorsFile read_safetensors(const std::string& path, bool u8_is_bool) {
  std::string content = read_file(path);
  if (content.size() < 8) bad(path, "not a safetensors file: only " + std::to_string(content.size()) + " bytes");
  uint64_t header_bytes = 0;
  for (int i = 7; i >= 0; --i)
    header_bytes = header_bytes << 8 | static_cast<unsigned char>(content[static_cast<size_t>(i)]);
  if (header_bytes > largest_header)
    bad(path, "not a safetensors file: its header would have " + std::to_string(header_bytes) + " bytes");
  if (header_bytes > content.size() - 8)
    bad(path, "truncated: the header has " + std::to_string(header_bytes) + " bytes, the file only " +
                  std::to_string(content.size() - 8) + " more");
  Json header = parse_header(path, std::string_view(content).substr(8, header_bytes));
  if (!header.is_object()) bad(path, "the header is not a JSON object");
  uint64_t data_bytes = content.size() - 8 - header_bytes;
  const char* data = content.data() + 8 + header_bytes;

  SafetensorsFile file;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name != "__metadata__") {
      entries.push_back(read_entry(path, name, value, data_bytes));
      continue;
    }
    if (!value.is_object()) bad(path, "__metadata__ is not an object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) bad(path, "__metadata__ '" + key + "' is not a string");
      file.metadata[key] = text.get<std::string>();
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
  uint64_t next = 0;
  for (const Entry& entry : entries) {
    if (entry.begin < next) bad(path, "tensor '" + entry.name + "' overlaps the one before it");
    if (entry.begin > next) bad(path, "there is a gap before tensor '" + entry.name + "'");
    next = entry.end;
    file.tensors[entry.name] = read_tensor(path, entry, data + entry.begin, u8_is_bool);
  }
  if (next != data_bytes)
    bad(path, "oversized or truncated: the tensors have " + std::to_string(next) + " bytes, the file " +
                  std::to_string(data_bytes));
  return file;
}

void write_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::vector<Tensor> kept;
  uint64_t next = 0;
  for (const auto& [name, tensor] : tensors) {
    if (name == "__metadata__") throw ValueError("write_safetensors: no tensor can be named '__metadata__'");
    if (tensor.is_meta()) throw StateError("write_safetensors: '" + name + "' is a shape without data");
    kept.push_back(tensor.to(Device()).contiguous());
    auto bytes = static_cast<uint64_t>(tensor.bytes());
    const TypeName* type =
        std::find_if(std::begin(type_names), std::end(type_names),
                     [dtype = tensor.dtype()](const TypeName& known) { return dtype == known.dtype; });
    header[name] = {{"dtype", type->name},
                    {"shape", std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end())},
                    {"data_offsets", {next, next + bytes}}};
    next += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string length;
  for (int i = 0; i < 8; ++i) length += static_cast<char>(text.size() >> (8 * i));
  std::vector<std::string_view> parts{length, text};
  for (const Tensor& tensor : kept)
    parts.emplace_back(static_cast<const char*>(tensor.raw()), static_cast<size_t>(tensor.bytes()));
  write_file(path, parts);
}

}  // namespace weft
