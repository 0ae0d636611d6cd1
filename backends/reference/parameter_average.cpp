#include <weft/autograd/ops/parameter_average.hpp>

#include <weft/backends/reference/table.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

void parameter_average(const KernelCall& call) {
  const double step_size = call.op<op::ParameterAverage>().step_size;
  const size_t n = call.inputs.size() / 2;
  for (size_t place = 0; place < n; ++place)
    visit_wide_float(call.inputs[place].dtype(), [&]<class T>(std::type_identity<T>) {
      const T *average = call.inputs[place].raw_as<T>(), *value = call.inputs[n + place].raw_as<T>();
      for (int64_t i = 0; i < call.inputs[place].elements(); ++i)
        call.outputs[place].mutable_raw_as<T>()[i] = static_cast<T>(step_size * static_cast<double>(value[i]) +
                                                                    (1 - step_size) * static_cast<double>(average[i]));
    });
}

}  // namespace

void register_reference_parameter_average(KernelTable& table) {
  table.add<op::ParameterAverage>(parameter_average, wide_floats);
}

}  // namespace weft
