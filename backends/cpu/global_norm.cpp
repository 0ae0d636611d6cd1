#include <weft/autograd/ops/global_norm.hpp>

#include <algorithm>
#include <cmath>

#include <weft/backends/cpu/isa.hpp>
#include <weft/backends/cpu/multi_tensor.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

/// Blocks of elements are summed in their own type, which is exact enough and fast; blocks and pieces in double.
template <class T> double sum_of_squares(const T* x, int64_t n) {
  constexpr int64_t block = 2048, most_rows = 32;
  const auto rows = cpu::isa_kernels().reduce.of<T>().rows[static_cast<int>(cpu::Reduction::sum_squares)];
  double total = 0;
  T sums[most_rows];
  while (n > 0) {
    const int64_t length = std::min(n, block), count = std::min(n / length, most_rows);
    rows(x, count, length, length, sums);
    for (int64_t r = 0; r < count; ++r) total += static_cast<double>(sums[r]);
    x += count * length;
    n -= count * length;
  }
  return total;
}

void global_norm(const KernelCall& call) {
  const cpu::MultiTensor tensors(call.inputs);
  double partial[cpu::MultiTensor::most_pieces] = {};
  tensors.run([&](int64_t piece, size_t place, int64_t begin, int64_t end) {
    partial[piece] += visit_wide_float(call.inputs[place].dtype(), [&]<class T>(std::type_identity<T>) {
      return sum_of_squares(call.inputs[place].raw_as<T>() + begin, end - begin);
    });
  });
  double total = 0;
  for (int64_t piece = 0; piece < tensors.pieces(); ++piece) total += partial[piece];
  *call.outputs[0].mutable_raw_as<double>() = std::sqrt(total);
}

}  // namespace

void register_cpu_global_norm(KernelTable& table) { table.add<op::GlobalNorm>(global_norm, wide_floats); }

}  // namespace weft
