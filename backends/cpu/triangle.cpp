#include <weft/autograd/ops/triangle.hpp>

#include <algorithm>
#include <cstring>

#include <weft/backends/cpu/move.hpp>
#include <weft/backends/cpu/table.hpp>
#include <weft/core/parallel.hpp>

namespace weft {
namespace {

void triangle_kernel(const KernelCall& call) {
  const auto& op = call.op<op::Triangle>();
  const Shape& shape = call.inputs[0].shape();
  const int64_t columns = shape.back(), rows = shape[shape.rank() - 2], item = size_of(call.inputs[0].dtype());
  if (call.inputs[0].elements() == 0) return;
  const char* x = static_cast<const char*>(call.inputs[0].raw());
  char* out = static_cast<char*>(call.outputs[0].mutable_raw());
  const int64_t row_bytes = columns * item;
  // The bytes of a zero are 0 for every dtype.
  parallel_chunks(shape.elements() / columns, cpu::items_per_task(row_bytes), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t edge = std::clamp<int64_t>(row % rows + op.k + (op.upper ? 0 : 1), 0, columns) * item;
      const char* from = x + row * row_bytes;
      char* to = out + row * row_bytes;
      if (op.upper) {
        std::memset(to, 0, static_cast<size_t>(edge));
        std::memcpy(to + edge, from + edge, static_cast<size_t>(row_bytes - edge));
      } else {
        std::memcpy(to, from, static_cast<size_t>(edge));
        std::memset(to + edge, 0, static_cast<size_t>(row_bytes - edge));
      }
    }
  });
}

}  // namespace

void register_cpu_triangle(KernelTable& table) { table.add<op::Triangle>(triangle_kernel, all_types); }

}  // namespace weft
