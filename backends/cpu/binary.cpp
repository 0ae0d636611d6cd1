#include <weft/autograd/ops/binary.hpp>

#include <type_traits>

#include <weft/autograd/ops/integer_functors.hpp>
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

/// Floats by functor F, integers by G.
template <class Op, class F, class G> void arithmetic(KernelTable& table) {
  table.add<Op>(
      [](const KernelCall& call) {
        if (!integers_done(call, G{})) floats<F>(call);
      },
      wide_numbers, true);
}

template <class Op, class F> void analytic(KernelTable& table) { table.add<Op>(floats<F>, wide_floats, true); }

/// Functions without vector code; G, where there is one, does integers.
template <class Op, class F, class G = void> void scalar(KernelTable& table) {
  constexpr bool whole = !std::is_void_v<G>;
  table.add<Op>(
      [](const KernelCall& call) {
        if constexpr (whole)
          if (integers_done(call, G{})) return;
        visit_wide_float(call.inputs[0].dtype(),
                         [&]<class T>(std::type_identity<T>) { plain_map<T, T, 2>(call, F{}); });
      },
      whole ? wide_numbers : wide_floats, true);
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

template <class Op, class F> void logic(KernelTable& table) {
  table.add<Op>([](const KernelCall& call) { plain_map<bool, bool, 2>(call, F{}); }, {DType::boolean}, true);
}

}  // namespace

void register_cpu_binary(KernelTable& table) {
  arithmetic<op::Add, functors::Add, functors::integer::Add>(table);
  arithmetic<op::Subtract, functors::Subtract, functors::integer::Subtract>(table);
  arithmetic<op::Multiply, functors::Multiply, functors::integer::Multiply>(table);
  arithmetic<op::Maximum, functors::Maximum, functors::integer::Maximum>(table);
  arithmetic<op::Minimum, functors::Minimum, functors::integer::Minimum>(table);
  arithmetic<op::FloorDivide, functors::FloorDivide, functors::integer::FloorDivide>(table);
  analytic<op::Divide, functors::Divide>(table);
  analytic<op::LogAddExp, functors::LogAddExp>(table);
  analytic<op::Step, functors::Step>(table);
  arithmetic<op::Power, functors::Power, functors::integer::Power>(table);
  scalar<op::Remainder, functors::Remainder, functors::integer::Remainder>(table);
  scalar<op::Atan2, functors::Atan2>(table);
  scalar<op::Hypot, functors::Hypot>(table);
  comparison<op::Equal, functors::Equal>(table);
  comparison<op::NotEqual, functors::NotEqual>(table);
  comparison<op::Less, functors::Less>(table);
  comparison<op::LessEqual, functors::LessEqual>(table);
  comparison<op::Greater, functors::Greater>(table);
  comparison<op::GreaterEqual, functors::GreaterEqual>(table);
  logic<op::LogicalAnd, functors::LogicalAnd>(table);
  logic<op::LogicalOr, functors::LogicalOr>(table);
  logic<op::LogicalXor, functors::LogicalXor>(table);
}

}  // namespace weft
