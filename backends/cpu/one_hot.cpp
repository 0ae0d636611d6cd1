#include <weft/autograd/ops/one_hot.hpp>

#include <weft/backends/cpu/move.hpp>
#include <weft/backends/cpu/table.hpp>

namespace weft {
namespace {

void one_hot_kernel(const KernelCall& call) {
  const auto& op = call.op<op::OneHot>();
  const Tensor& indices = call.inputs[0];
  Tensor& out = call.outputs[0];
  const cpu::AxisView view(out.shape(), op.axis);
  cpu::fill_parallel(out, 0);
  visit(out.dtype(), [&]<class T>(std::type_identity<T>) {
    cpu::visit_index(indices.dtype(), [&]<class I>(std::type_identity<I>) {
      const I* classes = indices.raw_as<I>();
      T* to = out.mutable_raw_as<T>();
      const T one = cpu::element_from<T>(1);
      for (int64_t i = 0; i < indices.elements(); ++i)
        if (classes[i] >= 0 && classes[i] < op.classes)
          to[(i / view.inner * op.classes + classes[i]) * view.inner + i % view.inner] = one;
    });
  });
}

}  // namespace

void register_cpu_one_hot(KernelTable& table) { table.add<op::OneHot>(one_hot_kernel, all_types); }

}  // namespace weft
