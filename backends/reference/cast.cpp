#include <weft/autograd/ops/cast.hpp>

#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

double widened(double x) { return x; }
float widened(float x) { return x; }
float widened(bfloat16 x) { return x; }
float widened(float16 x) { return x; }
int64_t widened(int32_t x) { return x; }
int64_t widened(int64_t x) { return x; }
int64_t widened(bool x) { return x; }

void cast_kernel(const KernelCall& call) {
  visit(call.inputs[0].dtype(), [&]<class From>(std::type_identity<From>) {
    visit(call.outputs[0].dtype(), [&]<class To>(std::type_identity<To>) {
      const From* x = call.inputs[0].raw_as<From>();
      To* y = call.outputs[0].mutable_raw_as<To>();
      for (int64_t i = 0; i < call.outputs[0].elements(); ++i) {
        auto value = widened(x[i]);
        if constexpr (std::is_same_v<To, bool>) y[i] = value != 0;
        else if constexpr (is_half(dtype_of<To>)) y[i] = To(static_cast<float>(value));
        else y[i] = static_cast<To>(value);
      }
    });
  });
}

void copy_kernel(const KernelCall& call) {
  visit(call.inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    for (int64_t i = 0; i < call.outputs[0].elements(); ++i)
      call.outputs[0].mutable_raw_as<T>()[i] = call.inputs[0].raw_as<T>()[i];
  });
}

}  // namespace

void register_reference_cast(KernelTable& table) {
  table.add<op::Cast>(cast_kernel, all_types);
  table.add<op::Copy>(copy_kernel, all_types);
}

}  // namespace weft
