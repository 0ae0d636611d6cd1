#include <weft/examples/common/position_features.hpp>

#include <cmath>
#include <numbers>
#include <vector>

namespace weft::examples {

Tensor position_features(int64_t rows, int64_t columns, bool coordinates) {
  std::vector<float> values;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      const double places[] = {(static_cast<double>(row) + 0.5) / static_cast<double>(rows),
                               (static_cast<double>(column) + 0.5) / static_cast<double>(columns)};
      for (int k = 0; k < 4; ++k)
        for (double place : places) {
          double angle = std::exp2(k) * std::numbers::pi * place;
          values.push_back(static_cast<float>(std::sin(angle)));
          values.push_back(static_cast<float>(std::cos(angle)));
        }
      if (!coordinates) continue;
      for (double place : places) {
        double centred = 2 * place - 1;
        values.push_back(static_cast<float>(centred));
        values.push_back(static_cast<float>(centred * centred));
      }
    }
  return Tensor::from(values, {rows, columns, coordinates ? 20 : 16});
}

}  // namespace weft::examples
