#include <weft/backends/cpu/strided.hpp>

#include <algorithm>
#include <array>
#include <cstring>

#include <weft/core/parallel.hpp>

namespace weft::cpu {
namespace {

/// Elements of a task, and of a gathered piece (at most 8 KB for each input).
constexpr int64_t task_size = 16384, piece_size = 1024;
/// Up to this many elements there is only one task: waking threads costs more.
constexpr int64_t alone = 32768;
/// Rows from this length on are worked on one by one, where that saves gathering.
constexpr int64_t long_row = 128;

/// `repeated`: the same contiguous elements over and over, as a bias added to every row.
enum class Access { contiguous, once, repeated, gathered };

struct Input {
  const char* data;
  Strides strides;
  int64_t item;
  Access access;
  int64_t period = 1;  ///< elements until it repeats itself
};

/// The axes merged as far as all inputs allow, without those of extent 1.
struct Plan {
  Shape extents;
  std::array<Input, most_strided_inputs> inputs;
  size_t count;
  int64_t elements = 1, row = 1;
  bool by_rows = false;
  int64_t piece = piece_size, task = task_size;

  Plan(const Shape& shape, std::span<const StridedInput> given) : count(given.size()) {
    for (size_t i = 0; i < count; ++i)
      inputs[i] = {static_cast<const char*>(given[i].data), {}, given[i].item, Access::gathered};
    for (int axis = 0; axis < shape.rank(); ++axis) {
      elements *= shape[axis];
      if (shape[axis] == 1) continue;
      bool merges = extents.rank() > 0;
      for (size_t i = 0; merges && i < count; ++i)
        merges = inputs[i].strides.back() == given[i].strides[axis] * shape[axis];
      if (merges) extents[extents.rank() - 1] *= shape[axis];
      else extents.push_back(shape[axis]);
      for (size_t i = 0; i < count; ++i) {
        if (merges) inputs[i].strides[extents.rank() - 1] = given[i].strides[axis];
        else inputs[i].strides.push_back(given[i].strides[axis]);
      }
    }
    if (elements == 0) return;
    if (extents.rank() > 0) row = extents.back();
    bool rows_fit = row >= long_row;
    const Strides packed = row_major_strides(extents);
    for (size_t i = 0; i < count; ++i) {
      Input& input = inputs[i];
      const int64_t inner = extents.rank() > 0 ? input.strides.back() : 0;
      rows_fit = rows_fit && (inner == 0 || inner == 1);
      if (std::all_of(input.strides.begin(), input.strides.end(), [](int64_t stride) { return stride == 0; }))
        input.access = Access::once;
      else if (input.strides == packed) input.access = Access::contiguous;
      else if (repeats(input, packed)) input.access = Access::repeated;
    }
    by_rows = rows_fit;
    choose_pieces();
  }

  /// Whether the outer axes have stride 0 and the inner ones are contiguous, and few enough for a piece.
  bool repeats(Input& input, const Strides& packed) const {
    int axis = 0;
    while (axis < extents.rank() && input.strides[axis] == 0) ++axis;
    input.period = extents.slice(axis, extents.rank()).elements();
    for (; axis < extents.rank(); ++axis)
      if (input.strides[axis] != packed[axis]) return false;
    return input.period <= piece_size / 2;
  }

  /// Whole periods in a piece and whole pieces in a task, so that a repeated input is laid out once in a task. That is
  /// better than going by rows, when these are short.
  void choose_pieces() {
    int64_t period = 1;
    bool simple = true;
    for (size_t i = 0; i < count; ++i) {
      simple = simple && inputs[i].access != Access::gathered;
      if (inputs[i].access == Access::repeated) period = std::max(period, inputs[i].period);
    }
    if (period > 1 && simple) by_rows = false;
    for (size_t i = 0; i < count; ++i)
      if (inputs[i].access == Access::repeated && period % inputs[i].period != 0) inputs[i].access = Access::gathered;
    piece = piece_size / period * period;
    task = elements <= alone ? elements : task_size / piece * piece;
  }

  /// Bytes from the input's data to element `index` of the result, counted in row-major order.
  int64_t place(const Input& input, int64_t index) const {
    int64_t at = 0;
    for (int axis = extents.rank() - 1; axis >= 0; --axis) {
      at += index % extents[axis] * input.strides[axis];
      index /= extents[axis];
    }
    return at * input.item;
  }
};

template <class Item> void gather_row(char* to, const char* from, int64_t stride, int64_t n) {
  Item* out = reinterpret_cast<Item*>(to);
  const Item* in = reinterpret_cast<const Item*>(from);
  for (int64_t i = 0; i < n; ++i) out[i] = in[i * stride];
}

/// Elements [offset, offset + n) of the result's order, copied one after the other.
void gather(const Plan& plan, const Input& input, int64_t offset, int64_t n, char* to) {
  const int64_t stride = input.strides.back();
  while (n > 0) {
    const int64_t part = std::min(n, plan.row - offset % plan.row);
    const char* from = input.data + plan.place(input, offset);
    if (stride == 1) std::memcpy(to, from, static_cast<size_t>(part * input.item));
    else if (input.item == 4) gather_row<uint32_t>(to, from, stride, part);
    else if (input.item == 8) gather_row<uint64_t>(to, from, stride, part);
    else if (input.item == 2) gather_row<uint16_t>(to, from, stride, part);
    else gather_row<uint8_t>(to, from, stride, part);
    to += part * input.item;
    offset += part;
    n -= part;
  }
}

/// n elements of an input that repeats itself, from its beginning on.
void repeat(const Input& input, int64_t n, char* to) {
  const int64_t bytes = n * input.item;
  int64_t done = std::min(bytes, input.period * input.item);
  std::memcpy(to, input.data, static_cast<size_t>(done));
  for (int64_t more; done < bytes; done += more) {
    more = std::min(done, bytes - done);
    std::memcpy(to + done, to, static_cast<size_t>(more));
  }
}

void run_rows(const Plan& plan, int64_t begin, int64_t end, const detail::PieceRef& f) {
  const void* pointers[most_strided_inputs];
  int64_t steps[most_strided_inputs];
  // When every input is contiguous or one value the whole result is one row, and so is the piece.
  for (int64_t at = begin; at < end;) {
    const int64_t n = std::min(end - at, plan.row - at % plan.row);
    for (size_t i = 0; i < plan.count; ++i) {
      steps[i] = plan.inputs[i].strides.back();
      pointers[i] = plan.inputs[i].data + plan.place(plan.inputs[i], at);
    }
    f.call(f.object, pointers, steps, at, n);
    at += n;
  }
}

void run_gathered(const Plan& plan, int64_t begin, int64_t end, const detail::PieceRef& f) {
  alignas(64) char buffers[most_strided_inputs][piece_size * 8];
  const void* pointers[most_strided_inputs];
  int64_t steps[most_strided_inputs];
  for (int64_t at = begin; at < end; at += plan.piece) {
    const int64_t n = std::min(plan.piece, end - at);
    for (size_t i = 0; i < plan.count; ++i) {
      const Input& input = plan.inputs[i];
      steps[i] = input.access == Access::once ? 0 : 1;
      if (input.access == Access::gathered) {
        gather(plan, input, at, n, buffers[i]);
        pointers[i] = buffers[i];
      } else if (input.access == Access::repeated) {
        if (at == begin) repeat(input, n, buffers[i]);
        pointers[i] = buffers[i];
      } else {
        pointers[i] = input.data + (input.access == Access::once ? 0 : at * input.item);
      }
    }
    f.call(f.object, pointers, steps, at, n);
  }
}

}  // namespace

namespace detail {

void strided_pieces(const Shape& shape, std::span<const StridedInput> inputs, PieceRef f) {
  const Plan plan(shape, inputs);
  if (plan.elements == 0) return;
  parallel_chunks(plan.elements, plan.task, [&](int64_t begin, int64_t end) {
    if (plan.by_rows) run_rows(plan, begin, end, f);
    else run_gathered(plan, begin, end, f);
  });
}

}  // namespace detail
}  // namespace weft::cpu
