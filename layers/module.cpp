#include <weft/layers/module.hpp>

#include <cstdio>

namespace weft {

std::string detail::number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

Ref<VariableCell> Cloner::copy(const Ref<VariableCell>& cell) {
  if (!cell) return cell;
  Ref<VariableCell>& copy = copies_[cell.get()];
  if (copy) return copy;
  copy = make_ref<VariableCell>(*cell->kind);
  copy->metadata = cell->metadata;
  if (cell->declared) copy->declared = std::make_unique<const VariableDeclaration>(*cell->declared);
  if (cell->has_value()) copy->set_value(with_data_ ? cell->value().copy() : Tensor::meta(cell->value().spec()));
  return copy;
}

}  // namespace weft
