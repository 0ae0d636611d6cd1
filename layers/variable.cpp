#include <weft/layers/variable.hpp>

#include <algorithm>
#include <functional>

#include <weft/autograd/remat.hpp>
#include <weft/autograd/tape.hpp>
#include <weft/core/error.hpp>
#include <weft/layers/gradient_frame.hpp>
#include <weft/layers/scope.hpp>

namespace weft {
namespace {

thread_local bool shape_only = false;
thread_local const GradientFrame* frame = nullptr;

/// `float32[3, 5] (params)`.
std::string describe(const VariableCell& cell) {
  return to_string(cell.spec()) + " (" + std::string(cell.kind->name) + ")";
}

void check_owned(const Variable& variable) {
  const VariableCell& cell = *variable.cell();
  if (!frame || !cell.kind->is(Param::kind()) || !is_recording() || frame->owns(&cell)) return;
  throw StateError("parameter " + variable_name(variable) + ", " + describe(cell) +
                   ", is used by the loss, but it belongs neither to the models that are differentiated nor to "
                   "`.constant`; expected value_and_grad({&model, ...}) or {.constant = {&model_that_stays_as_it_is}}, "
                   "got a parameter that would never learn");
}

}  // namespace

Spec VariableCell::spec() const {
  if (has_value()) return value().spec();
  if (has_shape()) return {*declared->shape, declared->dtype};
  throw StateError("this " + std::string(kind->name) +
                   " variable has no shape yet; call initialize(model, inputs...) first");
}

void VariableCell::resolve(const Shape& shape, const Shape& initializer_shape) {
  if (has_shape()) {
    if (!(spec().shape == shape))
      throw ShapeError("expected a parameter of shape " + to_string(shape) + ", got " + to_string(spec().shape));
    if (has_value()) return;
  } else {
    if (!declared) throw StateError("this variable was emptied and cannot be given a shape");
    VariableDeclaration resolved = *declared;
    resolved.shape = shape;
    resolved.initializer_shape = initializer_shape;
    declared = std::make_unique<const VariableDeclaration>(std::move(resolved));
    bump_structure_epoch();
  }
  if (!shape_only) materialize();
}

void VariableCell::materialize() {
  if (has_value() || !has_shape()) return;
  const Shape& shape = *declared->shape;
  Tensor filled = declared->initializer(declared->key, declared->initializer_shape, declared->dtype);
  put(filled.strided_view(shape, row_major_strides(shape), filled.offset()));
}

void VariableCell::put(const Tensor& new_value) {
  if (!has_value()) bump_structure_epoch();
  set_value(new_value);
  tracked = Tensor();
  declared.reset();
}

VariableCell& Variable::require() const {
  if (!cell_) throw StateError(variable_name(*this) + ": this variable is empty");
  return *cell_;
}

Tensor Variable::get() const {
  VariableCell& cell = require();
  if (shape_only || !cell.has_value()) {
    if (!cell.has_shape())
      throw StateError(variable_name(*this) + " has no shape yet; call initialize(model, inputs...) first");
    if (shape_only) return Tensor::meta(cell.spec());
    cell.materialize();
  }
  if (frame) check_owned(*this);
  return cell.tracked.defined() ? cell.tracked : cell.value();
}

void Variable::set(const Tensor& value) const {
  VariableCell& cell = require();
  if (state_is_frozen()) return;
  if (cell.has_shape()) {
    Spec expected = cell.spec();
    if (!(expected.shape == value.shape()))
      throw ShapeError(variable_name(*this) + ": expected a value of shape " + to_string(expected.shape) + ", got " +
                       to_string(value.shape()));
    if (expected.dtype != value.dtype())
      throw DTypeError(variable_name(*this) + ": expected a value of type " + std::string(name_of(expected.dtype)) +
                       ", got " + std::string(name_of(value.dtype())));
  }
  if (value.is_meta()) throw StateError(variable_name(*this) + ": a shape without data cannot be stored");
  cell.put(value);
}

void Variable::resolve(const Shape& shape, const Shape& initializer_shape) const {
  VariableCell& cell = require();
  if (cell.has_value() && cell.value().shape() == shape) return;
  const std::string name = cell.has_shape() ? variable_name(*this) : std::string();
  ErrorScope scope(name);
  cell.resolve(shape, initializer_shape);
}

Ref<VariableCell> Variable::make_cell(const VariableKind& kind, const Tensor& value) {
  auto cell = make_ref<VariableCell>(kind);
  cell->put(value);
  return cell;
}

Ref<VariableCell> Variable::make_cell(const VariableKind& kind, VariableDeclaration declaration) {
  auto cell = make_ref<VariableCell>(kind);
  cell->declared = std::make_unique<const VariableDeclaration>(std::move(declaration));
  return cell;
}

ShapeOnlyScope::ShapeOnlyScope() : before_(shape_only) { shape_only = true; }
ShapeOnlyScope::~ShapeOnlyScope() { shape_only = before_; }
bool ShapeOnlyScope::active() { return shape_only; }

bool state_is_frozen() {
  if (shape_only) return true;
  const Replay* replay = Replay::current();
  return replay && replay->replaying;
}

GradientFrame::GradientFrame(const std::vector<std::vector<const VariableCell*>>& owned)
    : owned_(owned), outer_(std::exchange(frame, this)) {}
GradientFrame::~GradientFrame() { frame = outer_; }
const GradientFrame* GradientFrame::current() { return frame; }

bool GradientFrame::owns(const VariableCell* cell) const {
  for (const auto& cells : owned_)
    if (std::binary_search(cells.begin(), cells.end(), cell, std::less<>())) return true;
  return outer_ && outer_->owns(cell);
}

}  // namespace weft
