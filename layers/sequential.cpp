#include <weft/layers/sequential.hpp>

namespace weft {

const ModuleInfo& AnyLayer::weft_module_info() {
  static const ModuleInfo info{"AnyLayer", sizeof(AnyLayer), &ModuleAccess::walk_erased<AnyLayer>};
  return info;
}

const ModuleInfo& AnyLayer::function_info() {
  static const ModuleInfo info{"function", 0, [](void*, Visitor&) {}};
  return info;
}

Tensor Sequential::operator()(const Tensor& x) const {
  Scope scope(*this);
  Tensor y = x;
  for (const AnyLayer& layer : layers) y = layer(y);
  return y;
}

}  // namespace weft
