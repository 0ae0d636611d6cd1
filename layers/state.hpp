#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weft/layers/filter.hpp>

namespace weft {

/// Paths of a State's values, shared by the States that have the same ones: those of one model, its gradients, an
/// optimizer's moments.
struct StateLayout {
  std::vector<std::string> paths;
  std::vector<const VariableKind*> kinds;  ///< null when it is not known, as in a State read from a file
  std::vector<size_t> sorted;              ///< places in order of their paths, for look-up

  void sort();
  /// The place of a path, or paths.size().
  size_t find(std::string_view path) const;
};

/// Tensors under paths such as `blocks.0.attend.query.kernel`, in the order in which the model declares them.
class State {
 public:
  struct Entry {
    const std::string& path;
    const Tensor& value;
    const VariableKind* kind;
  };

  State() : layout_(std::make_shared<const StateLayout>()) {}
  /// One value for each of the layout's paths.
  State(std::shared_ptr<const StateLayout> layout, std::vector<Tensor> values)
      : layout_(std::move(layout)), values_(std::move(values)) {}

  size_t size() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  bool contains(std::string_view path) const { return layout_->find(path) < size(); }
  /// Throws IndexError when there is no such path.
  const Tensor& operator[](std::string_view path) const;
  /// Replaces a value, or adds one at the end.
  void set(const std::string& path, const Tensor& value, const VariableKind* kind = nullptr);
  void erase(std::string_view path);

  /// By place.
  const std::string& path(size_t i) const { return layout_->paths[i]; }
  const Tensor& value(size_t i) const { return values_[i]; }
  Tensor& value(size_t i) { return values_[i]; }
  const VariableKind* kind(size_t i) const { return layout_->kinds[i]; }
  Entry entry(size_t i) const { return {path(i), value(i), kind(i)}; }
  const std::vector<Tensor>& values() const { return values_; }
  const std::shared_ptr<const StateLayout>& layout() const { return layout_; }
  /// Whether both have the same paths in the same order.
  bool same_paths(const State& other) const;

  /// The values that a filter chooses.
  State filter(const Filter& filter) const;
  /// The same paths, each value replaced.
  State map(const std::function<Tensor(const std::string& path, const Tensor& value)>& function) const;

  class Iterator {
   public:
    Iterator(const State* state, size_t place) : state_(state), place_(place) {}
    Entry operator*() const { return state_->entry(place_); }
    Iterator& operator++() {
      ++place_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return place_ != other.place_; }

   private:
    const State* state_;
    size_t place_;
  };
  /// `for (auto [path, value, kind] : state)`.
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

 private:
  std::shared_ptr<const StateLayout> layout_;
  std::vector<Tensor> values_;
};

/// All values of several States; throws ValueError for a path that is in two of them.
State merge_states(const std::vector<State>& states);

/// One line for each value: path, dtype, shape, kind.
std::string to_string(const State& state);

}  // namespace weft
