#include <weft/autograd/ops/parameter_average.hpp>

#include <weft/backends/cuda/elementwise.hpp>
#include <weft/backends/cuda/multi_tensor.hpp>
#include <weft/backends/cuda/table.hpp>

namespace weft::cuda {
namespace {

template <class T> struct AverageEntry {
  const T *average, *value;
  T* result;
  int64_t n;
};

template <class T> struct Average {
  EntryTable<AverageEntry<T>> table;
  Computed<T> step_size, rest;

  WEFT_DEVICE void operator()(const Thread& thread) const {
    using C = Computed<T>;
    const int number = table.entry_of(thread);
    const AverageEntry<T>& entry = table.entries[number];
    table.for_each(thread, number, [&](int64_t i) {
      entry.result[i] =
          static_cast<T>(step_size * static_cast<C>(entry.value[i]) + rest * static_cast<C>(entry.average[i]));
    });
  }
};

template <class T> void average(const KernelCall& call) {
  using C = Computed<T>;
  const double step_size = call.op<op::ParameterAverage>().step_size;
  const size_t n = call.inputs.size() / 2;
  std::vector<AverageEntry<T>> entries;
  for (size_t i = 0; i < n; ++i)
    if (call.inputs[i].dtype() == dtype_of<T>)
      entries.push_back({call.inputs[i].raw_as<T>(), call.inputs[n + i].raw_as<T>(),
                         call.outputs[i].mutable_raw_as<T>(), call.inputs[i].elements()});
  for_each_table(entries, [&](const auto& table) {
    launch(Average<T>{table, static_cast<C>(step_size), static_cast<C>(1 - step_size)}, table.blocks, usual_threads);
  });
}

void parameter_average_kernel(const KernelCall& call) {
  average<float>(call);
  average<double>(call);
  average<bfloat16>(call);
  average<float16>(call);
}

}  // namespace

void register_cuda_parameter_average(KernelTable& table) {
  table.add<op::ParameterAverage>(parameter_average_kernel, all_floats);
}

}  // namespace weft::cuda
