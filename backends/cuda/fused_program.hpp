#pragma once

#include <cstring>

#include <weft/autograd/ops/activation_functors.hpp>
#include <weft/autograd/ops/elementwise_list.hpp>
#include <weft/autograd/ops/fused_elementwise.hpp>
#include <weft/backends/cuda/elementwise.hpp>
#include <weft/core/convert.hpp>

// An ElementwiseProgram as the GPU runs it: an interpreter whose values stay with the thread. Each instruction is
// decoded once for all elements that a thread has in hand, and calls the functor that the kernel of the primitive
// alone calls.

namespace weft::cuda {

/// How an instruction makes its result: by one of the functors in the list of that name (elementwise_list.hpp), or as
/// said below.
enum class FusedKind : uint8_t {
  unary_number,
  unary_float,
  unary_test,
  binary_number,
  binary_float,
  comparison,
  binary_logic,
  unary_activation,
  binary_activation,
  logical_not,
  integer_pow,
  select,
  cast
};

/// What the last two lists hold; the primitives choose among them by their attributes.
using UnaryActivations = ElementwiseList<Computes<op::Gelu, functors::GeluTanh>, Computes<op::Gelu, functors::GeluErf>,
                                         Computes<op::Silu, functors::Silu>>;
using BinaryActivations =
    ElementwiseList<Computes<op::GeluGrad, functors::GeluTanhGrad>, Computes<op::GeluGrad, functors::GeluErfGrad>,
                    Computes<op::SiluGrad, functors::SiluGrad>>;

struct FusedInstruction {
  FusedKind kind = {};
  uint8_t code = 0;  ///< the functor's place in its list
  DType type = {};   ///< of the operands; of the values, for select
  DType result_type = {};
  uint8_t operands[3] = {};  ///< registers
  uint8_t result = 0;
  int8_t output = -1;  ///< of the program, where it is one
  int32_t power = 0;   ///< of integer_pow
};

/// The register of one element: a float, an int32 or a truth value in 32 bits; every type in 64. Half types are floats
/// that a half type holds.
template <class Word> struct FusedValue {
  Word word;

  template <class T> WEFT_DEVICE T get() const {
    T value;
    if constexpr (sizeof(T) <= sizeof(Word)) memcpy(&value, &word, sizeof(T));
    else value = T();  // of programs that run in wider registers
    return value;
  }
  template <class T> WEFT_DEVICE void set(T value) {
    if constexpr (sizeof(T) <= sizeof(Word)) memcpy(&word, &value, sizeof(T));
  }
};

/// Runs instructions on `count` elements of each of `Registers` registers, at most `Each`.
template <class Word, int Each, int Registers> class FusedThread {
 public:
  using Value = FusedValue<Word>;

  WEFT_DEVICE explicit FusedThread(int count) : count_(count) {}
  WEFT_DEVICE Value& value(int reg, int element) { return values_[reg][element]; }

  WEFT_DEVICE void run(const FusedInstruction& now) {
    using namespace elementwise_list;
    switch (now.kind) {
      case FusedKind::unary_number: return numbers<1>(now, UnaryNumbers());
      case FusedKind::unary_float: return floats<1>(now, UnaryFloats());
      case FusedKind::unary_test: return tests(now, UnaryTests());
      case FusedKind::binary_number: return numbers<2>(now, BinaryNumbers());
      case FusedKind::binary_float: return floats<2>(now, BinaryFloats());
      case FusedKind::comparison: return comparisons(now, Comparisons());
      case FusedKind::binary_logic: return logic(now, BinaryLogic());
      case FusedKind::unary_activation: return floats<1>(now, UnaryActivations());
      case FusedKind::binary_activation: return floats<2>(now, BinaryActivations());
      case FusedKind::logical_not: return apply<bool, bool, 1>(now, functors::LogicalNot());
      case FusedKind::integer_pow: return integer_pow(now);
      case FusedKind::select: return select(now);
      case FusedKind::cast: return cast(now);
    }
  }

 private:
  /// f of N operands of type T, rounded to R; a half result is kept as a float.
  template <class T, class R, int N, class F> WEFT_DEVICE void apply(const FusedInstruction& now, const F& f) {
    if constexpr (sizeof(T) <= sizeof(Word)) {
      for (int e = 0; e < count_; ++e) {
        const T x = values_[now.operands[0]][e].template get<T>();
        R result;
        if constexpr (N == 1) result = static_cast<R>(f(x));
        else result = static_cast<R>(f(x, values_[now.operands[1]][e].template get<T>()));
        values_[now.result][e].set(static_cast<Computed<R>>(result));
      }
    }
  }

  template <int N, class F> WEFT_DEVICE void apply_float(const FusedInstruction& now, const F& f) {
    switch (now.type) {
      case DType::float64: return apply<double, double, N>(now, f);
      case DType::bfloat16: return apply<float, bfloat16, N>(now, f);
      case DType::float16: return apply<float, float16, N>(now, f);
      default: return apply<float, float, N>(now, f);
    }
  }
  template <int N, class F> WEFT_DEVICE void apply_integer(const FusedInstruction& now, const F& f) {
    if (now.type == DType::int64) apply<int64_t, int64_t, N>(now, f);
    else apply<int32_t, int32_t, N>(now, f);
  }

  /// Calls f(Computes<...>) with the list's entry of number `code`.
  template <class... Entry, class F> WEFT_DEVICE static void at(int code, ElementwiseList<Entry...>, const F& f) {
    int place = 0;
    static_cast<void>(((place++ == code ? (f(Entry()), true) : false) || ...));
  }

  template <int N, class List> WEFT_DEVICE void numbers(const FusedInstruction& now, List list) {
    at(now.code, list, [&]<class Op, class F, class Whole>(Computes<Op, F, Whole>) {
      if (now.type == DType::int32 || now.type == DType::int64) apply_integer<N>(now, Whole());
      else apply_float<N>(now, F());
    });
  }
  template <int N, class List> WEFT_DEVICE void floats(const FusedInstruction& now, List list) {
    at(now.code, list, [&]<class Op, class F>(Computes<Op, F>) { apply_float<N>(now, F()); });
  }
  template <class List> WEFT_DEVICE void tests(const FusedInstruction& now, List list) {
    at(now.code, list, [&]<class Op, class F>(Computes<Op, F>) {
      if (now.type == DType::float64) apply<double, bool, 1>(now, F());
      else apply<float, bool, 1>(now, F());
    });
  }
  template <class List> WEFT_DEVICE void comparisons(const FusedInstruction& now, List list) {
    at(now.code, list, [&]<class Op, class F>(Computes<Op, F>) {
      visit_value(now.type, [&]<class T>(std::type_identity<T>) { apply<T, bool, 2>(now, F()); });
    });
  }
  template <class List> WEFT_DEVICE void logic(const FusedInstruction& now, List list) {
    at(now.code, list, [&]<class Op, class F>(Computes<Op, F>) { apply<bool, bool, 2>(now, F()); });
  }

  WEFT_DEVICE void integer_pow(const FusedInstruction& now) {
    if (now.type == DType::int32 || now.type == DType::int64)
      apply_integer<1>(now, functors::integer::IntegerPow{now.power});
    else apply_float<1>(now, functors::IntegerPow{now.power});
  }
  WEFT_DEVICE void select(const FusedInstruction& now) {
    for (int e = 0; e < count_; ++e)
      values_[now.result][e] =
          values_[now.operands[0]][e].template get<bool>() ? values_[now.operands[1]][e] : values_[now.operands[2]][e];
  }
  WEFT_DEVICE void cast(const FusedInstruction& now) {
    visit_value(now.type, [&]<class From>(std::type_identity<From>) {
      visit(now.result_type, [&]<class To>(std::type_identity<To>) {
        if constexpr (sizeof(From) <= sizeof(Word) && sizeof(Computed<To>) <= sizeof(Word))
          for (int e = 0; e < count_; ++e)
            values_[now.result][e].set(
                static_cast<Computed<To>>(convert<To>(values_[now.operands[0]][e].template get<From>())));
      });
    });
  }

 public:
  /// Calls f with the type that registers hold values of `type` as.
  template <class F> WEFT_DEVICE static void visit_value(DType type, const F& f) {
    switch (type) {
      case DType::float64: return f(std::type_identity<double>());
      case DType::int32: return f(std::type_identity<int32_t>());
      case DType::int64: return f(std::type_identity<int64_t>());
      case DType::boolean: return f(std::type_identity<bool>());
      default: return f(std::type_identity<float>());
    }
  }
  /// As visit() of core/dtype.hpp, for the GPU.
  template <class F> WEFT_DEVICE static void visit(DType type, const F& f) {
    switch (type) {
      case DType::bfloat16: return f(std::type_identity<bfloat16>());
      case DType::float16: return f(std::type_identity<float16>());
      default: return visit_value(type, f);
    }
  }

 private:
  Value values_[Registers][Each];
  int count_;
};

}  // namespace weft::cuda
