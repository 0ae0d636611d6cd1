#include <weft/layers/initialize.hpp>

#include <weft/layers/graph.hpp>

namespace weft {

void materialize(const ModuleRef& model) {
  for_each_variable(model, [](const std::string& path, Variable& variable) {
    ErrorScope scope(path);
    if (variable) variable.cell()->materialize();
  });
}

}  // namespace weft
