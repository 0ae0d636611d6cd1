#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <weft/autograd/state_cell.hpp>
#include <weft/core/ref.hpp>
#include <weft/core/tensor.hpp>
#include <weft/layers/initializers.hpp>

namespace weft {

/// What a Variable is for. Kinds are told apart by name; a kind with a parent counts as its parent too.
struct VariableKind {
  std::string_view name;
  const VariableKind* parent = nullptr;

  bool is(const VariableKind& other) const {
    for (const VariableKind* kind = this; kind; kind = kind->parent)
      if (kind->name == other.name) return true;
    return false;
  }
};

/// How a Variable without a value will get one: the shape may still be unknown.
struct VariableDeclaration {
  Initializer initializer;
  RandomKey key;
  DType dtype = DType::float32;
  std::optional<Shape> shape;
  Shape initializer_shape;  ///< the same elements in the shape that fans are computed from
};

/// The heap cell behind a Variable: optimizers, plans and hooks hold cells, so that a model may be moved.
class VariableCell final : public StateCell {
 public:
  explicit VariableCell(const VariableKind& kind) : kind(&kind) {}

  const VariableKind* kind;
  Tensor tracked;                                       ///< stands for `value` while gradients are asked for
  std::unique_ptr<const VariableDeclaration> declared;  ///< null once there is a value
  std::map<std::string, std::string> metadata;

  bool has_shape() const { return has_value() || (declared && declared->shape); }
  /// Throws StateError when there is no shape yet.
  Spec spec() const;
  /// Gives a declared value its shape, and its elements unless this is a shape-only run. Throws ShapeError when it has
  /// another one already.
  void resolve(const Shape& shape, const Shape& initializer_shape);
  /// Fills what has a shape and no value.
  void materialize();
  /// Writes whatever the run: for loading, merging and optimizers. The tape is dropped.
  void put(const Tensor& new_value);
};

/// A piece of a module's state. Moves; copies only by name: `share()` makes a second Variable on the same cell. Use the
/// kinds below, or one of your own: `struct Mask : VariableOf<Mask> { static constexpr std::string_view kind_name =
/// "masks"; using VariableOf::VariableOf; };`
class Variable {
 public:
  /// No state at all, such as the bias of a layer without one.
  Variable() = default;
  Variable(Variable&&) noexcept = default;
  Variable& operator=(Variable&&) noexcept = default;
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

  explicit operator bool() const { return static_cast<bool>(cell_); }
  bool operator!() const { return !cell_; }
  /// The value; within value_and_grad, on the tape; in a shape-only run, its shape. Throws StateError when there is no
  /// shape yet, and when a gradient is being computed that this parameter would be missing from.
  Tensor get() const;
  operator Tensor() const { return get(); }
  /// A new value of the same shape and dtype; throws ShapeError, DTypeError. It leaves the tape. Nothing happens in
  /// shape-only runs and in the second run of remat.
  void set(const Tensor& value) const;
  /// See VariableCell::resolve().
  void resolve(const Shape& shape) const { resolve(shape, shape); }
  void resolve(const Shape& shape, const Shape& initializer_shape) const;

  bool has_shape() const { return cell_ && cell_->has_shape(); }
  bool has_value() const { return cell_ && cell_->has_value(); }
  Shape shape() const { return require().spec().shape; }
  DType dtype() const { return require().spec().dtype; }
  const VariableKind& kind() const { return *require().kind; }
  std::map<std::string, std::string>& metadata() const { return require().metadata; }
  const Ref<VariableCell>& cell() const { return cell_; }
  /// Puts another cell behind this Variable; null empties it.
  void rebind(Ref<VariableCell> cell) { cell_ = std::move(cell); }

 protected:
  explicit Variable(Ref<VariableCell> cell) : cell_(std::move(cell)) {}
  static Ref<VariableCell> make_cell(const VariableKind& kind, const Tensor& value);
  static Ref<VariableCell> make_cell(const VariableKind& kind, VariableDeclaration declaration);

 private:
  VariableCell& require() const;
  Ref<VariableCell> cell_;
};

/// Base of the kinds: `Self::kind_name` names it, `using parent_kind = Param;` makes it count as another one too.
template <class Self> class VariableOf : public Variable {
 public:
  VariableOf() = default;
  explicit VariableOf(const Tensor& value) : Variable(make_cell(kind(), value)) {}
  /// Declared: filled by `initializer` as soon as the shape is known.
  VariableOf(const Initializer& initializer, const RandomKey& key, DType dtype = DType::float32)
      : Variable(make_cell(kind(), VariableDeclaration{initializer, key, dtype, std::nullopt, {}})) {}

  /// A second Variable on the same cell: tied weights.
  Self share() const {
    Self other;
    other.rebind(cell());
    return other;
  }

  static const VariableKind& kind() {
    static const VariableKind own{Self::kind_name, parent()};
    return own;
  }

 private:
  static const VariableKind* parent() {
    if constexpr (requires { typename Self::parent_kind; }) return &Self::parent_kind::kind();
    else return nullptr;
  }
};

/// What an optimizer trains.
struct Param : VariableOf<Param> {
  static constexpr std::string_view kind_name = "params";
  using VariableOf::VariableOf;
};
/// Running statistics.
struct BatchStat : VariableOf<BatchStat> {
  static constexpr std::string_view kind_name = "batch_stats";
  using VariableOf::VariableOf;
};
/// Keys and values of earlier positions.
struct Cache : VariableOf<Cache> {
  static constexpr std::string_view kind_name = "cache";
  using VariableOf::VariableOf;
};
/// Keys and counters of random streams.
struct RngState : VariableOf<RngState> {
  static constexpr std::string_view kind_name = "rngs";
  using VariableOf::VariableOf;
};
/// Values kept to be looked at; see capture().
struct Intermediate : VariableOf<Intermediate> {
  static constexpr std::string_view kind_name = "intermediates";
  using VariableOf::VariableOf;
};
/// Gradients with respect to values on the way; see perturb().
struct Perturbation : VariableOf<Perturbation> {
  static constexpr std::string_view kind_name = "perturbations";
  using parent_kind = Intermediate;
  using VariableOf::VariableOf;
};

/// While it lives, Variables on this thread give shapes without data, are not written, and random streams stand still.
class ShapeOnlyScope {
 public:
  ShapeOnlyScope();
  ~ShapeOnlyScope();
  ShapeOnlyScope(const ShapeOnlyScope&) = delete;
  ShapeOnlyScope& operator=(const ShapeOnlyScope&) = delete;
  static bool active();

 private:
  bool before_;
};

/// Whether writes to state are to be dropped: in a shape-only run and in the second run of remat.
bool state_is_frozen();

}  // namespace weft
