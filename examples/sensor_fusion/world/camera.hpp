#pragma once

#include <cstdint>
#include <vector>

#include <weft/examples/sensor_fusion/world/layout.hpp>

namespace weft::examples::fusion::world {

/// What the camera sees before any light: every pixel has 2 x 2 samples.
struct Visibility {
  int64_t columns = 0, rows = 0;     // twice the picture's size
  std::vector<float> depth;          // [rows, columns], along the camera's z; infinite where only ground or sky is
  std::vector<int16_t> solid;        // [rows, columns], -1 = ground or sky
  std::vector<int64_t> seen, whole;  // [solids], samples that show it, and would if nothing stood before it
  std::vector<double> truncation;    // [solids], share of its rectangle that lies outside the picture
};

/// Viewing directions of samples, of length 1 along the camera's z: origin + depth * direction is the place seen.
struct SampleRays {
  explicit SampleRays(const CameraModel& camera);
  Vec3 direction(int64_t column, int64_t row) const {
    return corner + static_cast<double>(column) * across + static_cast<double>(row) * down;
  }
  Vec3 origin, corner, across, down;  // ego frame
};

Visibility look(const Layout& layout);

/// The picture under the layout's light, with the camera's noise; black when the camera is dead.
Image render(const Layout& layout, const Visibility& visibility, uint64_t scene_key);

}  // namespace weft::examples::fusion::world
