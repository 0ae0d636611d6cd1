#include <weft/autograd/ops/pad.hpp>

#include <weft/backends/reference/places.hpp>
#include <weft/backends/reference/table.hpp>

namespace weft {
namespace {

void pad_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Pad>();
  const Tensor& x = call.inputs[0];
  Tensor& out = call.outputs[0];
  visit(x.dtype(), [&]<class T>(std::type_identity<T>) {
    reference::for_each_place(out.shape(), [&](int64_t flat, const Shape& index) {
      Shape from = index;
      bool inside = true;
      for (int i = 0; i < index.rank(); ++i) {
        const int64_t place = index[i] - op.low[i], step = op.interior[i] + 1;
        inside = inside && place >= 0 && place % step == 0 && place / step < x.shape()[i];
        from[i] = place / step;
      }
      out.mutable_raw_as<T>()[flat] =
          inside ? x.raw_as<T>()[reference::flat_place(from, x.shape())] : reference::element_from<T>(op.value);
    });
  });
}

}  // namespace

void register_reference_pad(KernelTable& table) { table.add<op::Pad>(pad_kernel, all_types); }

}  // namespace weft
