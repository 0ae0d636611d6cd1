#include <weft/backends/cpu/gemm_finish.hpp>

#include <algorithm>

#include <weft/backends/cpu/isa.hpp>

namespace weft::cpu {
namespace {

template <class F, class T, class Group> void loop(const Group& group, const T* x, T* y, int64_t n) {
  const int64_t step = 1;
  group.template get<Loops<F, 1>>().template of<T>()(F{}, &x, &step, y, n);
}

/// y[n] = activation(x[n]).
template <class T> void activate(op::Activation activation, const T* x, T* y, int64_t n) {
  const IsaKernels& kernels = isa_kernels();
  switch (activation) {
    case op::Activation::none:
      if (x != y) std::copy_n(x, n, y);
      return;
    case op::Activation::relu: return loop<functors::Relu>(kernels.unary, x, y, n);
    case op::Activation::gelu_tanh: return loop<functors::GeluTanh>(kernels.activation, x, y, n);
    case op::Activation::gelu_erf: return loop<functors::GeluErf>(kernels.activation, x, y, n);
    case op::Activation::silu: return loop<functors::Silu>(kernels.activation, x, y, n);
    case op::Activation::sigmoid: return loop<functors::Sigmoid>(kernels.unary, x, y, n);
    case op::Activation::tanh: return loop<functors::Tanh>(kernels.unary, x, y, n);
  }
}

/// y[n] = a[n] + b[n]; b is one value for all when `b_step` is 0.
template <class T> void add(const T* a, const T* b, int64_t b_step, T* y, int64_t n) {
  const T* terms[] = {a, b};
  const int64_t steps[] = {1, b_step};
  isa_kernels().binary.get<Loops<functors::Add, 2>>().template of<T>()({}, terms, steps, y, n);
}

}  // namespace

template <class T> void add_to_all(T value, T* y, int64_t n) { add(y, &value, 0, y, n); }

template <class T> void finish_piece(const GemmArgs<T>& args, int64_t i, int64_t m, int64_t j, int64_t n) {
  if (n == args.c_row) {
    n *= m;
    m = 1;
  }
  T* out = args.out ? args.out : args.c;
  for (int64_t row = i; row < i + m; ++row) {
    const int64_t at = row * args.c_row + j;
    const T* sums = args.c + at;
    if (args.activation != op::Activation::none || !args.residual) {
      activate(args.activation, sums, out + at, n);
      sums = out + at;
    }
    if (args.residual) add(sums, args.residual + at, 1, out + at, n);
  }
}

template <class T> void add_parts(const GemmArgs<T>& args, const T* parts, int64_t count, int64_t i, int64_t m) {
  for (int64_t row = i; row < i + m; ++row) {
    T* c = args.c + row * args.c_row;
    for (int64_t part = 0; part < count; ++part) add(c, parts + (part * args.m + row) * args.n, 1, c, args.n);
    if (args.bias) add(c, args.bias, 1, c, args.n);
  }
}

template void add_parts<float>(const GemmArgs<float>&, const float*, int64_t, int64_t, int64_t);
template void add_parts<double>(const GemmArgs<double>&, const double*, int64_t, int64_t, int64_t);
template void add_to_all<float>(float, float*, int64_t);
template void add_to_all<double>(double, double*, int64_t);
template void finish_piece<float>(const GemmArgs<float>&, int64_t, int64_t, int64_t, int64_t);
template void finish_piece<double>(const GemmArgs<double>&, int64_t, int64_t, int64_t, int64_t);

}  // namespace weft::cpu
