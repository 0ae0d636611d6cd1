#pragma once

#include <array>
#include <vector>

#include <weft/examples/sensor_fusion/bev_grid.hpp>
#include <weft/examples/sensor_fusion/scene.hpp>

namespace weft::examples::fusion {

// What the model is given of a scene, as plain numbers; all arrays row-major.

/// The camera's cells ("tokens") are 4 x 4 pixels; the convolutions' windows have their centres at pixel
/// (4 j + 1, 4 i + 1), see CameraEncoder.
constexpr int64_t token_stride = 4;
constexpr double token_offset = 1;

constexpr int64_t sample_heights = 3;
/// Above the ground, where a cell is projected into the picture.
constexpr std::array<double, sample_heights> heights{0.2, 0.9, 1.6};

constexpr int64_t pillar_features = 7, angle_features = 12, direction_features = 2 * angle_features,
                  place_features = (1 + sample_heights) * angle_features + 2;

/// LiDAR returns by the cell they fall into [rows, columns, 7]: count / (count + 4), largest, smallest and mean height
/// in units of 2 m, mean intensity, mean place in the cell along x and y (-0.5 to 0.5). Zeros where there is none.
std::vector<float> pillars(const Scene& scene, const BevGrid& grid);

/// The picture's bytes v as 2 sqrt(v / 255) - 1, [height, width, 3]: the root evens out the noise of faint light.
std::vector<float> picture_values(const Image& image);

/// Sines and cosines of 1, 2, ..., 32 times a direction's azimuth, then of its elevation, in the ego frame: 24 numbers.
/// Camera tokens carry that of their viewing ray, BEV cells that of their place as the camera would see it, so that a
/// dot product tells how well the two agree (after the coordinate encoding of CMT, Yan et al. 2023).
void direction_code(const Vec3& direction, float* code);

/// The direction code of each token's ray [height / 4 * width / 4, 24].
std::vector<float> ray_codes(const CameraModel& camera);

/// For each cell of the query grid the azimuth of its centre, seen from the camera, its elevation at each of `heights`,
/// coded like directions, and x and y over the extent: [query_rows * query_columns, 50].
std::vector<float> place_codes(const CameraModel& camera, const BevGrid& grid);

/// Where the centres of the query grid's cells stand in the grid of tokens, at each of `heights`:
/// [query_rows * query_columns, 3, 2] as (column, row), token centres at whole numbers; far outside when behind the
/// camera.
std::vector<float> sample_places(const CameraModel& camera, const BevGrid& grid);

/// Without one sensor: no returns, or a black picture.
void kill_lidar(Scene& scene);
void kill_camera(Scene& scene);

}  // namespace weft::examples::fusion
