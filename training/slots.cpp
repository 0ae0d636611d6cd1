#include <weft/training/slots.hpp>

#include <weft/autograd/ops/create.hpp>

namespace weft {

void Slots::init(const std::vector<std::string>& paths, const std::vector<Tensor>& params) {
  paths_ = paths;
  cells_.clear();
  for (const Tensor& param : params) {
    cells_.push_back(make_ref<StateCell>());
    cells_.back()->set_value(full(param.shape(), value_, param.dtype(), param.device()));
  }
}

void Slots::visit(const std::function<void(const std::string&, StateCell&)>& visit) const {
  for (size_t i = 0; i < cells_.size(); ++i) visit(name_ + "." + paths_[i], *cells_[i]);
}

}  // namespace weft
