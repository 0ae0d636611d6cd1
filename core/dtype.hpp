#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weft/core/half.hpp>

namespace weft {

/// Element types. Booleans take one byte, 0 or 1.
enum class DType : uint8_t { float32, float64, bfloat16, float16, int32, int64, boolean };

constexpr DType float32 = DType::float32, float64 = DType::float64, int32 = DType::int32, int64 = DType::int64,
                boolean = DType::boolean;

/// A set of element types, for what a kernel or an op takes.
class DTypeSet {
 public:
  constexpr DTypeSet() = default;
  constexpr DTypeSet(std::initializer_list<DType> dtypes) {
    for (DType dtype : dtypes) bits_ |= 1u << static_cast<unsigned>(dtype);
  }
  constexpr bool contains(DType dtype) const { return bits_ >> static_cast<unsigned>(dtype) & 1u; }
  constexpr DTypeSet operator|(DTypeSet other) const {
    DTypeSet result = *this;
    result.bits_ |= other.bits_;
    return result;
  }

 private:
  uint32_t bits_ = 0;
};

constexpr DTypeSet wide_floats{DType::float32, DType::float64};
constexpr DTypeSet half_floats{DType::bfloat16, DType::float16};
constexpr DTypeSet all_floats = wide_floats | half_floats;
constexpr DTypeSet integers{DType::int32, DType::int64};
constexpr DTypeSet wide_numbers = wide_floats | integers;
constexpr DTypeSet wide_types = wide_numbers | DTypeSet{DType::boolean};
constexpr DTypeSet all_types = all_floats | integers | DTypeSet{DType::boolean};

constexpr bool is_floating(DType dtype) { return all_floats.contains(dtype); }
constexpr bool is_half(DType dtype) { return half_floats.contains(dtype); }
constexpr bool is_integer(DType dtype) { return integers.contains(dtype); }

int64_t size_of(DType dtype);
std::string_view name_of(DType dtype);
/// The dtype of that name; throws DTypeError.
DType dtype_from_name(std::string_view name);

/// Result type of an op on both: bfloat16 with float16 gives float32, an integer with a float that float,
/// booleans give way to anything.
DType promote(DType a, DType b);
/// `dtype` itself when floating, else float32.
constexpr DType at_least_float(DType dtype) { return is_floating(dtype) ? dtype : DType::float32; }

template <class T> struct DTypeOf;
template <> struct DTypeOf<float> { static constexpr DType value = DType::float32; };
template <> struct DTypeOf<double> { static constexpr DType value = DType::float64; };
template <> struct DTypeOf<bfloat16> { static constexpr DType value = DType::bfloat16; };
template <> struct DTypeOf<float16> { static constexpr DType value = DType::float16; };
template <> struct DTypeOf<int32_t> { static constexpr DType value = DType::int32; };
template <> struct DTypeOf<int64_t> { static constexpr DType value = DType::int64; };
template <> struct DTypeOf<bool> { static constexpr DType value = DType::boolean; };
template <class T> constexpr DType dtype_of = DTypeOf<std::remove_cv_t<T>>::value;

/// Calls `f(std::type_identity<T>{})` with the C++ type of `dtype`.
template <class F> decltype(auto) visit(DType dtype, F&& f) {
  switch (dtype) {
    case DType::float32: return f(std::type_identity<float>{});
    case DType::float64: return f(std::type_identity<double>{});
    case DType::bfloat16: return f(std::type_identity<bfloat16>{});
    case DType::float16: return f(std::type_identity<float16>{});
    case DType::int32: return f(std::type_identity<int32_t>{});
    case DType::int64: return f(std::type_identity<int64_t>{});
    case DType::boolean: return f(std::type_identity<bool>{});
  }
  __builtin_unreachable();
}

/// The same for floating types.
template <class F> decltype(auto) visit_float(DType dtype, F&& f) {
  switch (dtype) {
    case DType::float64: return f(std::type_identity<double>{});
    case DType::bfloat16: return f(std::type_identity<bfloat16>{});
    case DType::float16: return f(std::type_identity<float16>{});
    default: return f(std::type_identity<float>{});
  }
}

/// The same for kernels that have float32 and float64 alone (the dispatcher sees to that).
template <class F> decltype(auto) visit_wide_float(DType dtype, F&& f) {
  if (dtype == DType::float64) return f(std::type_identity<double>{});
  return f(std::type_identity<float>{});
}

/// The same for float32, float64, int32 and int64.
template <class F> decltype(auto) visit_wide_number(DType dtype, F&& f) {
  if (dtype == DType::int32) return f(std::type_identity<int32_t>{});
  if (dtype == DType::int64) return f(std::type_identity<int64_t>{});
  return visit_wide_float(dtype, std::forward<F>(f));
}

}  // namespace weft
