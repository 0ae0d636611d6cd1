#include <weft/autograd/ops/global_norm.hpp>

#include <cmath>

#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/multi_tensor.hpp>
#include <weft/backends/cuda/reduce_block.hpp>
#include <weft/backends/cuda/table.hpp>
#include <weft/backends/cuda/workspace.hpp>

// The sum of squares of each block's elements, in double, and then the sum of those by one block.

namespace weft::cuda {
namespace {

template <class T> struct SquaresEntry {
  const T* x;
  int64_t n;
};

template <class T> struct SumSquares {
  EntryTable<SquaresEntry<T>> table;
  double* sums;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    const int number = table.entry_of(thread);
    const T* x = table.entries[number].x;
    double sum = 0;
    table.for_each(thread, number, [&](int64_t i) {
      const auto value = static_cast<double>(static_cast<Computed<T>>(x[i]));
      sum += value * value;
    });
    sum = reduce_block(thread, sum, weft::cuda::Sum());
    if (thread.index() == 0) sums[thread.block()] = sum;
  }
};

struct RootOfSum {
  const double* sums;
  double* result;
  int64_t n;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    double sum = 0;
    for (int64_t i = thread.index(); i < n; i += thread.block_size()) sum += sums[i];
    sum = reduce_block(thread, sum, weft::cuda::Sum());
    if (thread.index() == 0) *result = std::sqrt(sum);
  }
};

template <class T> std::vector<SquaresEntry<T>> entries_of(const KernelCall& call) {
  std::vector<SquaresEntry<T>> entries;
  for (const Tensor& x : call.inputs)
    if (x.dtype() == dtype_of<T>) entries.push_back({x.raw_as<T>(), x.elements()});
  return entries;
}

/// Returns where the sums of later blocks go.
template <class T> double* sum_squares(const KernelCall& call, double* sums) {
  for_each_table(entries_of<T>(call), [&](const auto& table) {
    launch_blocks(SumSquares<T>{table, sums}, table.blocks, usual_threads, reduce_bytes<double>(usual_threads));
    sums += table.blocks;
  });
  return sums;
}

void global_norm_kernel(const KernelCall& call) {
  constexpr int64_t chunk = EntryTable<SquaresEntry<float>>::chunk;
  Tensor& result = call.outputs[0];
  int64_t most_blocks = 0;
  for (const Tensor& x : call.inputs) most_blocks += (x.elements() + chunk - 1) / chunk;
  Workspace<double> sums(result.device(), most_blocks);
  double* end = sums.data();
  end = sum_squares<float>(call, end);
  end = sum_squares<double>(call, end);
  end = sum_squares<bfloat16>(call, end);
  end = sum_squares<float16>(call, end);
  launch_blocks(RootOfSum{sums.data(), result.mutable_raw_as<double>(), end - sums.data()}, 1, usual_threads,
                reduce_bytes<double>(usual_threads));
}

}  // namespace

void register_cuda_global_norm(KernelTable& table) { table.add<op::GlobalNorm>(global_norm_kernel, all_floats); }

}  // namespace weft::cuda
