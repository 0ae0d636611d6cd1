#pragma once

#include <functional>
#include <string>
#include <vector>

#include <weft/autograd/state_cell.hpp>

namespace weft {

/// One tensor of state for each parameter, of its shape and dtype, in cells that jit follows.
class Slots {
 public:
  /// Every element is `value` at first.
  explicit Slots(std::string name, double value = 0) : name_(std::move(name)), value_(value) {}
  void init(const std::vector<std::string>& paths, const std::vector<Tensor>& params);
  size_t size() const { return cells_.size(); }
  const Tensor& operator[](size_t i) const { return cells_[i]->value(); }
  void set(size_t i, const Tensor& value) { cells_[i]->set_value(value); }
  /// Calls `visit(name, cell)` for each, with names `<name>.<parameter path>`.
  void visit(const std::function<void(const std::string& name, StateCell& cell)>& visit) const;

 private:
  std::string name_;
  double value_;
  std::vector<std::string> paths_;
  std::vector<Ref<StateCell>> cells_;
};

}  // namespace weft
