#include <weft/autograd/ops/binary.hpp>

#include <weft/autograd/ops/binary_functors.hpp>
#include <weft/autograd/ops/integer_functors.hpp>
#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/table.hpp>

namespace weft::cuda {
namespace {

template <class Op, class F> void floats(KernelTable& table) { table.add<Op>(float_map<F, 2>, all_floats, true); }

/// Floats by F, integers by G.
template <class Op, class F, class G> void arithmetic(KernelTable& table) {
  table.add<Op>(number_map<F, G, 2>, all_numbers, true);
}

template <class Op, class F> void comparison(KernelTable& table) {
  table.add<Op>(
      [](const KernelCall& call) {
        visit(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) { map<T, bool, 2>(call, F{}); });
      },
      all_types, true);
}

template <class Op, class F> void logic(KernelTable& table) { table.add<Op>(bool_map<F, 2>, {DType::boolean}, true); }

}  // namespace

void register_cuda_binary(KernelTable& table) {
  arithmetic<op::Add, functors::Add, functors::integer::Add>(table);
  arithmetic<op::Subtract, functors::Subtract, functors::integer::Subtract>(table);
  arithmetic<op::Multiply, functors::Multiply, functors::integer::Multiply>(table);
  arithmetic<op::Maximum, functors::Maximum, functors::integer::Maximum>(table);
  arithmetic<op::Minimum, functors::Minimum, functors::integer::Minimum>(table);
  arithmetic<op::FloorDivide, functors::FloorDivide, functors::integer::FloorDivide>(table);
  arithmetic<op::Power, functors::Power, functors::integer::Power>(table);
  arithmetic<op::Remainder, functors::Remainder, functors::integer::Remainder>(table);
  floats<op::Divide, functors::Divide>(table);
  floats<op::LogAddExp, functors::LogAddExp>(table);
  floats<op::Step, functors::Step>(table);
  floats<op::Atan2, functors::Atan2>(table);
  floats<op::Hypot, functors::Hypot>(table);
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

}  // namespace weft::cuda
