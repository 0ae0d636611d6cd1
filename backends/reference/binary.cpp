#include <weft/autograd/ops/binary.hpp>

#include <cmath>

#include <weft/backends/reference/broadcast.hpp>
#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

template <class T, class Out, class F> void for_each_pair(const KernelCall& call, F&& f) {
  const T *x = call.inputs[0].raw_as<T>(), *y = call.inputs[1].raw_as<T>();
  Out* z = call.outputs[0].mutable_raw_as<Out>();
  reference::for_each_broadcast<2>(call,
                                   [&](int64_t at, int64_t i, int64_t j) { z[at] = static_cast<Out>(f(x[i], y[j])); });
}

/// On floating numbers alone, computed in double.
template <class Op, class F> void analytic(KernelTable& table, F) {
  table.add<Op>(
      [](const KernelCall& call) {
        visit_wide_float(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
          for_each_pair<T, T>(call, [](T x, T y) { return F{}(static_cast<double>(x), static_cast<double>(y)); });
        });
      },
      wide_floats);
}

/// On floating numbers computed in double, and on integers by `whole`, which gets them as int64; the result is wrapped.
template <class Op, class F, class G> void arithmetic(KernelTable& table, F, G) {
  table.add<Op>(
      [](const KernelCall& call) {
        visit_wide_number(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
          if constexpr (std::is_integral_v<T>)
            for_each_pair<T, T>(call, [](T x, T y) { return G{}(static_cast<int64_t>(x), static_cast<int64_t>(y)); });
          else for_each_pair<T, T>(call, [](T x, T y) { return F{}(static_cast<double>(x), static_cast<double>(y)); });
        });
      },
      wide_numbers);
}

template <class Op, class F> void comparison(KernelTable& table, F) {
  table.add<Op>(
      [](const KernelCall& call) {
        if (call.inputs[0].dtype() == DType::boolean) return for_each_pair<bool, bool>(call, F{});
        visit_wide_number(call.inputs[0].dtype(),
                          [&]<class T>(std::type_identity<T>) { for_each_pair<T, bool>(call, F{}); });
      },
      wide_types);
}

template <class Op, class F> void logic(KernelTable& table, F) {
  table.add<Op>([](const KernelCall& call) { for_each_pair<bool, bool>(call, F{}); }, {DType::boolean});
}

uint64_t bits(int64_t x) { return static_cast<uint64_t>(x); }
int64_t whole(uint64_t x) { return static_cast<int64_t>(x); }

int64_t floor_quotient(int64_t x, int64_t y) {
  if (y == 0) return 0;
  if (y == -1) return whole(0 - bits(x));
  int64_t quotient = x / y;
  return x % y != 0 && (x < 0) != (y < 0) ? quotient - 1 : quotient;
}

int64_t floor_remainder(int64_t x, int64_t y) {
  return y == 0 ? 0 : whole(bits(x) - bits(floor_quotient(x, y)) * bits(y));
}

/// Python's float %, as CPython computes it.
double floor_remainder(double x, double y) {
  double remainder = std::fmod(x, y);
  if (remainder == 0) return std::copysign(0.0, y);
  return (remainder < 0) != (y < 0) ? remainder + y : remainder;
}

int64_t whole_power(int64_t x, int64_t y) {
  if (y < 0) return x == 1 ? 1 : x == -1 ? (y % 2 == 0 ? 1 : -1) : 0;
  uint64_t result = 1, base = bits(x);
  for (; y > 0; y /= 2, base *= base)
    if (y % 2 == 1) result *= base;
  return whole(result);
}

double extremum(double x, double y, bool largest) {
  if (std::isnan(x) || std::isnan(y)) return std::nan("");
  return (x < y) == largest ? y : x;
}

}  // namespace

void register_reference_binary(KernelTable& table) {
  using D = double;
  using I = int64_t;
  arithmetic<op::Add>(
      table, [](D x, D y) { return x + y; }, [](I x, I y) { return whole(bits(x) + bits(y)); });
  arithmetic<op::Subtract>(
      table, [](D x, D y) { return x - y; }, [](I x, I y) { return whole(bits(x) - bits(y)); });
  arithmetic<op::Multiply>(
      table, [](D x, D y) { return x * y; }, [](I x, I y) { return whole(bits(x) * bits(y)); });
  arithmetic<op::Power>(
      table, [](D x, D y) { return std::pow(x, y); }, [](I x, I y) { return whole_power(x, y); });
  arithmetic<op::Maximum>(
      table, [](D x, D y) { return extremum(x, y, true); }, [](I x, I y) { return x < y ? y : x; });
  arithmetic<op::Minimum>(
      table, [](D x, D y) { return extremum(x, y, false); }, [](I x, I y) { return x < y ? x : y; });
  arithmetic<op::Remainder>(
      table, [](D x, D y) { return floor_remainder(x, y); }, [](I x, I y) { return floor_remainder(x, y); });
  arithmetic<op::FloorDivide>(
      table, [](D x, D y) { return std::floor(x / y); }, [](I x, I y) { return floor_quotient(x, y); });
  analytic<op::Divide>(table, [](D x, D y) { return x / y; });
  analytic<op::Atan2>(table, [](D x, D y) { return std::atan2(x, y); });
  analytic<op::Hypot>(table, [](D x, D y) { return std::hypot(x, y); });
  analytic<op::LogAddExp>(table, [](D x, D y) {
    if (std::isnan(x) || std::isnan(y)) return std::nan("");
    return x == y ? x + std::log(2.0) : std::fmax(x, y) + std::log1p(std::exp(-std::fabs(x - y)));
  });
  analytic<op::Step>(table, [](D x, D y) { return x > y ? 1.0 : x == y ? 0.5 : 0.0; });
  comparison<op::Equal>(table, [](auto x, auto y) { return x == y; });
  comparison<op::NotEqual>(table, [](auto x, auto y) { return x != y; });
  comparison<op::Less>(table, [](auto x, auto y) { return x < y; });
  comparison<op::LessEqual>(table, [](auto x, auto y) { return x <= y; });
  comparison<op::Greater>(table, [](auto x, auto y) { return x > y; });
  comparison<op::GreaterEqual>(table, [](auto x, auto y) { return x >= y; });
  logic<op::LogicalAnd>(table, [](bool x, bool y) { return x && y; });
  logic<op::LogicalOr>(table, [](bool x, bool y) { return x || y; });
  logic<op::LogicalXor>(table, [](bool x, bool y) { return x != y; });
}

}  // namespace weft
