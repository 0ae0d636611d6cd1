#include <weft/core/dtype.hpp>

#include <string>

#include <weft/core/error.hpp>

namespace weft {
namespace {

struct DTypeInfo {
  DType dtype;
  std::string_view name;
  int64_t size;
};

constexpr DTypeInfo table[] = {
    {DType::float32, "float32", 4}, {DType::float64, "float64", 8}, {DType::bfloat16, "bfloat16", 2},
    {DType::float16, "float16", 2}, {DType::int32, "int32", 4},     {DType::int64, "int64", 8},
    {DType::boolean, "bool", 1},
};

int rank_of(DType dtype) {
  switch (dtype) {
    case DType::boolean: return 0;
    case DType::int32: return 1;
    case DType::int64: return 2;
    case DType::bfloat16:
    case DType::float16: return 3;
    case DType::float32: return 4;
    case DType::float64: return 5;
  }
  __builtin_unreachable();
}

}  // namespace

int64_t size_of(DType dtype) { return table[static_cast<size_t>(dtype)].size; }
std::string_view name_of(DType dtype) { return table[static_cast<size_t>(dtype)].name; }

DType dtype_from_name(std::string_view name) {
  for (const DTypeInfo& info : table)
    if (info.name == name) return info.dtype;
  throw DTypeError("dtype: expected one of float32, float64, bfloat16, float16, int32, int64, bool, got '" +
                   std::string(name) + "'");
}

DType promote(DType a, DType b) {
  if (is_half(a) && is_half(b) && a != b) return DType::float32;
  return rank_of(a) >= rank_of(b) ? a : b;
}

}  // namespace weft
