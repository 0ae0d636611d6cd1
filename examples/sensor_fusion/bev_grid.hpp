#pragma once

#include <cstdint>
#include <optional>

namespace weft::examples::fusion {

/// The ground in front of the car as the detector sees it from above: x from 0 to `extent`, y from -extent / 2 to
/// extent / 2, cut into 32 x 32 cells. Row i counts along x, column j along y.
struct BevGrid {
  static constexpr int64_t rows = 32, columns = 32, cells = rows * columns;
  /// Fusion happens on a coarser grid, whose cells hold 2 x 2 of these.
  static constexpr int64_t query_rows = rows / 2, query_columns = columns / 2, queries = query_rows * query_columns;

  double extent = 32;  // metres

  struct Place {
    double row = 0, column = 0;  // in cells from the corner (x = 0, y = -extent / 2); the first cell's centre is at 0.5
  };

  double cell() const { return extent / static_cast<double>(rows); }
  Place place_of(double x, double y) const { return {x / cell(), (y + extent / 2) / cell()}; }
  double x_at(double row) const { return row * cell(); }
  double y_at(double column) const { return column * cell() - extent / 2; }
  /// The cell of a point as row * columns + column; none outside.
  std::optional<int64_t> cell_of(double x, double y) const;
};

}  // namespace weft::examples::fusion
