#include <weft/autograd/ops/global_norm.hpp>

#include <cmath>

#include <weft/backends/reference/table.hpp>
#include <weft/core/tensor.hpp>

namespace weft {
namespace {

void global_norm(const KernelCall& call) {
  double total = 0;
  for (const Tensor& tensor : call.inputs)
    visit_wide_float(tensor.dtype(), [&]<class T>(std::type_identity<T>) {
      for (int64_t i = 0; i < tensor.elements(); ++i) {
        const double value = static_cast<double>(tensor.raw_as<T>()[i]);
        total += value * value;
      }
    });
  *call.outputs[0].mutable_raw_as<double>() = std::sqrt(total);
}

}  // namespace

void register_reference_global_norm(KernelTable& table) { table.add<op::GlobalNorm>(global_norm, wide_floats); }

}  // namespace weft
