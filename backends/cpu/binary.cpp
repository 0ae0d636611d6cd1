#include <weft/autograd/ops/binary.hpp>

#include <cmath>

#include <weft/backends/cpu/elementwise.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

using cpu::isa_kernels, cpu::plain_map, cpu::vector_map;

template <class F> void floats(const KernelCall& call) {
  vector_map(call, isa_kernels().binary.get<cpu::BinaryLoops<F>>(), F{});
}

template <class G> bool integers_done(const KernelCall& call, const G& whole) {
  if (call.inputs[0].dtype() == DType::int32) return plain_map<int32_t, int32_t, 2>(call, whole), true;
  if (call.inputs[0].dtype() == DType::int64) return plain_map<int64_t, int64_t, 2>(call, whole), true;
  return false;
}

/// Floats by functor F, integers by `whole`.
template <class Op, class F, class G> void arithmetic(KernelTable& table, G) {
  table.add<Op>(
      [](const KernelCall& call) {
        if (!integers_done(call, G{})) floats<F>(call);
      },
      wide_numbers, true);
}

template <class Op, class F> void analytic(KernelTable& table) { table.add<Op>(floats<F>, wide_floats, true); }

/// Functions without vector code; `whole` does integers.
template <class Op, class F> void scalar(KernelTable& table, F) {
  table.add<Op>(
      [](const KernelCall& call) {
        visit_wide_float(call.inputs[0].dtype(),
                         [&]<class T>(std::type_identity<T>) { plain_map<T, T, 2>(call, F{}); });
      },
      wide_floats, true);
}
template <class Op, class F, class G> void scalar(KernelTable& table, F, G) {
  table.add<Op>(
      [](const KernelCall& call) {
        if (integers_done(call, G{})) return;
        visit_wide_float(call.inputs[0].dtype(),
                         [&]<class T>(std::type_identity<T>) { plain_map<T, T, 2>(call, F{}); });
      },
      wide_numbers, true);
}

/// Comparisons: the functor serves every type.
template <class Op, class F> void comparison(KernelTable& table) {
  table.add<Op>(
      [](const KernelCall& call) {
        switch (call.inputs[0].dtype()) {
          case DType::int32: return plain_map<int32_t, bool, 2>(call, F{});
          case DType::int64: return plain_map<int64_t, bool, 2>(call, F{});
          case DType::boolean: return plain_map<bool, bool, 2>(call, F{});
          default: return vector_map(call, isa_kernels().binary.get<cpu::BinaryTestLoops<F>>(), F{});
        }
      },
      wide_types, true);
}

template <class Op, class F> void logic(KernelTable& table, F) {
  table.add<Op>([](const KernelCall& call) { plain_map<bool, bool, 2>(call, F{}); }, {DType::boolean}, true);
}

template <class T> auto bits(T x) { return static_cast<std::make_unsigned_t<T>>(x); }

template <class T> T floor_quotient(T x, T y) {
  if (y == 0) return 0;
  if (y == -1) return static_cast<T>(0 - bits(x));  // the lowest number has no opposite
  T quotient = x / y;
  return static_cast<T>(quotient - (x % y != 0 && (x < 0) != (y < 0)));
}

template <class T> T floor_remainder(T x, T y) {
  if constexpr (std::is_floating_point_v<T>) {
    T remainder = std::fmod(x, y);
    if (remainder == 0) return std::copysign(remainder, y);
    return (remainder < 0) != (y < 0) ? remainder + y : remainder;
  } else {
    if (y == 0 || y == -1) return 0;
    T remainder = x % y;
    return remainder != 0 && (remainder < 0) != (y < 0) ? remainder + y : remainder;
  }
}

template <class T> T whole_power(T x, T y) {
  if (y < 0) return x == 1 ? 1 : x == -1 ? (y % 2 == 0 ? 1 : -1) : 0;
  auto result = bits(x), base = result;
  result = 1;
  for (; y > 0; y /= 2, base *= base)
    if (y % 2 == 1) result *= base;
  return static_cast<T>(result);
}

}  // namespace

void register_cpu_binary(KernelTable& table) {
  arithmetic<op::Add, functors::Add>(table, [](auto x, auto y) { return bits(x) + bits(y); });
  arithmetic<op::Subtract, functors::Subtract>(table, [](auto x, auto y) { return bits(x) - bits(y); });
  arithmetic<op::Multiply, functors::Multiply>(table, [](auto x, auto y) { return bits(x) * bits(y); });
  arithmetic<op::Maximum, functors::Maximum>(table, [](auto x, auto y) { return x > y ? x : y; });
  arithmetic<op::Minimum, functors::Minimum>(table, [](auto x, auto y) { return x < y ? x : y; });
  arithmetic<op::FloorDivide, functors::FloorDivide>(table, [](auto x, auto y) { return floor_quotient(x, y); });
  analytic<op::Divide, functors::Divide>(table);
  analytic<op::LogAddExp, functors::LogAddExp>(table);
  analytic<op::Step, functors::Step>(table);
  arithmetic<op::Power, functors::Power>(table, [](auto x, auto y) { return whole_power(x, y); });
  scalar<op::Remainder>(
      table, [](auto x, auto y) { return floor_remainder(x, y); },
      [](auto x, auto y) { return floor_remainder(x, y); });
  scalar<op::Atan2>(table, [](auto x, auto y) { return std::atan2(x, y); });
  scalar<op::Hypot>(table, [](auto x, auto y) { return std::hypot(x, y); });
  comparison<op::Equal, functors::Equal>(table);
  comparison<op::NotEqual, functors::NotEqual>(table);
  comparison<op::Less, functors::Less>(table);
  comparison<op::LessEqual, functors::LessEqual>(table);
  comparison<op::Greater, functors::Greater>(table);
  comparison<op::GreaterEqual, functors::GreaterEqual>(table);
  logic<op::LogicalAnd>(table, [](bool x, bool y) { return x && y; });
  logic<op::LogicalOr>(table, [](bool x, bool y) { return x || y; });
  logic<op::LogicalXor>(table, [](bool x, bool y) { return x != y; });
}

}  // namespace weft
