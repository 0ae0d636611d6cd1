#include <cmath>
#include <cstdio>
#include <ostream>

#include <weft/core/tensor.hpp>

namespace weft {
namespace {

std::string element_text(double value, DType dtype) {
  if (dtype == DType::boolean) return value != 0 ? "true" : "false";
  char text[40];
  if (!is_floating(dtype)) std::snprintf(text, sizeof text, "%lld", static_cast<long long>(value));
  else std::snprintf(text, sizeof text, dtype == DType::float64 ? "%.8g" : "%.6g", value);
  std::string result = text;
  if (is_floating(dtype) && std::isfinite(value) && result.find_first_of(".e") == std::string::npos) result += '.';
  return result;
}

struct Printer {
  std::vector<std::string> texts;  // of the elements shown
  Shape shape;                     // of the elements shown
  Shape cut;                       // per axis: elements shown before the dots, or -1
  size_t width = 0, next = 0;
  std::string out;

  void print(int axis, int indent) {
    if (axis == shape.rank()) {
      const std::string& text = texts[next++];
      out += std::string(width - text.size(), ' ') + text;
      return;
    }
    out += '[';
    bool innermost = axis == shape.rank() - 1;
    for (int64_t i = 0; i < shape[axis]; ++i) {
      if (i > 0) out += innermost ? ", " : ",\n" + std::string(static_cast<size_t>(indent + 1), ' ');
      if (i == cut[axis]) out += innermost ? "..., " : "...,\n" + std::string(static_cast<size_t>(indent + 1), ' ');
      print(axis + 1, indent + 1);
    }
    out += ']';
  }
};

}  // namespace

std::string to_string(const Tensor& tensor, int64_t threshold) {
  if (!tensor.defined()) return "undefined";
  if (tensor.is_meta()) return to_string(tensor.spec()) + " without data";
  constexpr int64_t edge = 3;
  bool abbreviate = tensor.elements() > threshold;
  Printer printer;
  Tensor host = tensor.to(Device());
  std::vector<int64_t> kept[Shape::max_rank];
  for (int axis = 0; axis < tensor.rank(); ++axis) {
    int64_t extent = tensor.shape()[axis];
    bool cut = abbreviate && extent > 2 * edge;
    printer.cut.push_back(cut ? edge : -1);
    for (int64_t i = 0; i < extent; ++i)
      if (!cut || i < edge || i >= extent - edge) kept[axis].push_back(i);
    printer.shape.push_back(static_cast<int64_t>(kept[axis].size()));
  }
  int64_t shown = printer.shape.elements();
  for (int64_t flat = 0; flat < shown; ++flat) {
    int64_t rest = flat, at = host.offset();
    for (int axis = tensor.rank() - 1; axis >= 0; --axis) {
      at += kept[axis][static_cast<size_t>(rest % printer.shape[axis])] * host.strides()[axis];
      rest /= printer.shape[axis];
    }
    std::string text = visit(host.dtype(), [&]<class T>(std::type_identity<T>) {
      T value = static_cast<const T*>(host.storage()->data())[at];
      if constexpr (std::is_same_v<T, int64_t>) return std::to_string(value);
      else
        return element_text(static_cast<double>(static_cast<std::conditional_t<is_half(dtype_of<T>), float, T>>(value)),
                            host.dtype());
    });
    printer.width = std::max(printer.width, text.size());
    printer.texts.push_back(std::move(text));
  }
  printer.print(0, 0);
  return printer.out;
}

std::ostream& operator<<(std::ostream& stream, const Tensor& tensor) { return stream << to_string(tensor); }

}  // namespace weft
