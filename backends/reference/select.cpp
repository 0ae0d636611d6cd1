#include <weft/autograd/ops/select.hpp>

#include <weft/backends/reference/broadcast.hpp>
#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

void select_kernel(const KernelCall& call) {
  visit(call.inputs[1].dtype(), [&]<class T>(std::type_identity<T>) {
    const bool* condition = call.inputs[0].raw_as<bool>();
    const T *x = call.inputs[1].raw_as<T>(), *y = call.inputs[2].raw_as<T>();
    T* z = call.outputs[0].mutable_raw_as<T>();
    reference::for_each_broadcast<3>(
        call, [&](int64_t at, int64_t i, int64_t j, int64_t k) { z[at] = condition[i] ? x[j] : y[k]; });
  });
}

}  // namespace

void register_reference_select(KernelTable& table) { table.add<op::Select>(select_kernel, all_types); }

}  // namespace weft
