#include <weft/examples/sensor_fusion/features.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace weft::examples::fusion {
namespace {

/// Sine and cosine of 1, 2, 4, ..., 32 times an angle, by doubling.
void harmonics(double sine, double cosine, float* out) {
  for (int k = 0; k < 6; ++k) {
    *out++ = static_cast<float>(sine);
    *out++ = static_cast<float>(cosine);
    double doubled = 2 * sine * cosine;
    cosine = 1 - 2 * sine * sine;
    sine = doubled;
  }
}

void azimuth_code(const Vec3& direction, float* code) {
  double flat = std::sqrt(direction.x * direction.x + direction.y * direction.y);
  // Straight up or down has no azimuth; nothing that matters looks there.
  harmonics(flat > 0 ? direction.y / flat : 0, flat > 0 ? direction.x / flat : 1, code);
}
void elevation_code(const Vec3& direction, float* code) {
  double flat = std::sqrt(direction.x * direction.x + direction.y * direction.y), whole = length(direction);
  harmonics(direction.z / whole, flat / whole, code);
}

template <class F> void for_each_query(const BevGrid& grid, F&& f) {
  for (int64_t row = 0; row < BevGrid::query_rows; ++row)
    for (int64_t column = 0; column < BevGrid::query_columns; ++column)
      f(grid.x_at(2.0 * static_cast<double>(row) + 1), grid.y_at(2.0 * static_cast<double>(column) + 1));
}

}  // namespace

std::vector<float> pillars(const Scene& scene, const BevGrid& grid) {
  struct Cell {
    double count = 0, high = 0, low = 0, z = 0, intensity = 0, dx = 0, dy = 0;
  };
  std::vector<Cell> cells(static_cast<size_t>(BevGrid::cells));
  for (int64_t i = 0; i < scene.returns(); ++i) {
    Vec3 point = scene.point(i);
    auto index = grid.cell_of(point.x, point.y);
    if (!index) continue;
    Cell& cell = cells[static_cast<size_t>(*index)];
    BevGrid::Place place = grid.place_of(point.x, point.y);
    cell.high = cell.count == 0 ? point.z : std::max(cell.high, point.z);
    cell.low = cell.count == 0 ? point.z : std::min(cell.low, point.z);
    ++cell.count;
    cell.z += point.z;
    cell.intensity += static_cast<double>(scene.points[static_cast<size_t>(4 * i + 3)]);
    cell.dx += place.row - std::floor(place.row) - 0.5;
    cell.dy += place.column - std::floor(place.column) - 0.5;
  }
  std::vector<float> features(cells.size() * pillar_features, 0.0f);
  float* out = features.data();
  for (const Cell& cell : cells) {
    if (cell.count > 0) {
      double each = 1 / cell.count;
      std::array<double, pillar_features> values{
          cell.count / (cell.count + 4), cell.high / 2,  cell.low / 2,  cell.z * each / 2,
          cell.intensity * each,         cell.dx * each, cell.dy * each};
      for (size_t k = 0; k < values.size(); ++k) out[k] = static_cast<float>(values[k]);
    }
    out += pillar_features;
  }
  return features;
}

std::vector<float> picture_values(const Image& image) {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> values{};
    for (size_t v = 0; v < values.size(); ++v)
      values[v] = static_cast<float>(2 * std::sqrt(static_cast<double>(v) / 255) - 1);
    return values;
  }();
  std::vector<float> values(image.pixels.size());
  std::transform(image.pixels.begin(), image.pixels.end(), values.begin(), [](uint8_t v) { return table[v]; });
  return values;
}

void direction_code(const Vec3& direction, float* code) {
  azimuth_code(direction, code);
  elevation_code(direction, code + angle_features);
}

std::vector<float> ray_codes(const CameraModel& camera) {
  int64_t rows = camera.height / token_stride, columns = camera.width / token_stride;
  std::vector<float> codes(static_cast<size_t>(rows * columns * direction_features));
  float* out = codes.data();
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column, out += direction_features)
      direction_code(camera
                         .ray(static_cast<double>(token_stride * column) + token_offset,
                              static_cast<double>(token_stride * row) + token_offset)
                         .direction,
                     out);
  return codes;
}

std::vector<float> place_codes(const CameraModel& camera, const BevGrid& grid) {
  std::vector<float> codes(static_cast<size_t>(BevGrid::queries * place_features));
  float* out = codes.data();
  Vec3 centre = camera.centre();
  for_each_query(grid, [&](double x, double y) {
    azimuth_code(Vec3{x, y, 0} - centre, out);
    float* code = out + angle_features;
    for (double z : heights) {
      elevation_code(Vec3{x, y, z} - centre, code);
      code += angle_features;
    }
    code[0] = static_cast<float>(x / grid.extent);
    code[1] = static_cast<float>(y / grid.extent);
    out += place_features;
  });
  return codes;
}

std::vector<float> sample_places(const CameraModel& camera, const BevGrid& grid) {
  constexpr double far_outside = -1000;
  std::vector<float> places;
  places.reserve(static_cast<size_t>(BevGrid::queries * sample_heights * 2));
  for_each_query(grid, [&](double x, double y) {
    for (double z : heights) {
      Pixel pixel = camera.project({x, y, z});
      bool ahead = pixel.depth > 0.1;
      auto in_tokens = [&](double p) { return (p - token_offset) / static_cast<double>(token_stride); };
      for (double p : {pixel.u, pixel.v})
        places.push_back(static_cast<float>(ahead ? std::clamp(in_tokens(p), -1000.0, 1000.0) : far_outside));
    }
  });
  return places;
}

void kill_lidar(Scene& scene) { scene.points.clear(); }
void kill_camera(Scene& scene) { std::fill(scene.image.pixels.begin(), scene.image.pixels.end(), uint8_t{0}); }

}  // namespace weft::examples::fusion
