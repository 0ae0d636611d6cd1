#include <algorithm>
#include <cmath>

#include <weft/examples/sensor_fusion/world/camera.hpp>
#include <weft/examples/sensor_fusion/world/exact_math.hpp>
#include <weft/examples/sensor_fusion/world/lidar.hpp>
#include <weft/examples/sensor_fusion/world/noise.hpp>

namespace weft::examples::fusion::world {
namespace {

constexpr uint32_t camera_noise_stream = 18;
constexpr Color sun{0.75, 0.72, 0.66}, skylight{0.3, 0.33, 0.38}, airlight{0.62, 0.64, 0.66};
// Electrons of a pixel as bright as white in daylight, by day and with the long exposure and gain of night.
constexpr double day_electrons = 6000, night_electrons = 500, read_noise = 2.5;

/// Light at the scene: sun and sky by day, little of both and two headlights at night.
struct Light {
  const Layout& layout;

  Color at(const Vec3& place, const Vec3& normal) const {
    double toward = std::max(0.0, dot(normal, layout.to_sun));
    Color light = layout.ambient * (skylight + toward * sun);
    if (layout.condition != Condition::night) return light;
    for (double side : {0.6, -0.6}) {
      Vec3 lamp{1.5, side, 0.7}, way = lamp - place;
      double square = dot(way, way), r = std::sqrt(square);
      // Full within 15 degrees of straight ahead, none beyond 40.
      double ahead = -way.x / r, cone = std::clamp((ahead - 0.766) / (0.966 - 0.766), 0.0, 1.0);
      double facing = std::max(0.0, dot(normal, way) / r);
      light = light + 35 * cone * facing / std::max(square, 4.0) * Color{1, 0.97, 0.88};
    }
    return light;
  }
};

Color ground_albedo(const Layout& layout, double x, double y, double depth) {
  // Texture that the pixel cannot resolve would alias: finer grain only where it is near.
  double grain = depth < 8 ? 4 : depth < 16 ? 2 : 1;
  double noise = cell_noise(static_cast<int64_t>(std::floor(x * grain)), static_cast<int64_t>(std::floor(y * grain)),
                            layout.texture_seed);
  if (y > layout.road_left || y < layout.road_right) return (0.75 + 0.5 * noise) * layout.verge;
  for (double edge : {layout.road_left - 0.3, layout.road_right + 0.3})
    if (std::abs(y - edge) < 0.08) return {0.55, 0.55, 0.52};
  double middle = (layout.road_left + layout.road_right) / 2, dash = x / 6;
  if (std::abs(y - middle) < 0.08 && dash - std::floor(dash) < 0.5) return {0.6, 0.6, 0.57};
  return (0.9 + 0.2 * noise) * layout.ground;
}

/// Sky above a row of far buildings, which no LiDAR beam reaches.
Color background(const Layout& layout, const Vec3& d) {
  if (d.x <= 0) return layout.ambient * skylight;
  double slope = d.y / d.x, rise = d.z / d.x;
  int64_t block = static_cast<int64_t>(std::floor(slope * 12));
  double roof = 0.02 + 0.1 * cell_noise(block, 1, layout.texture_seed);
  if (rise < roof && cell_noise(block, 2, layout.texture_seed) < 0.6) {
    double shade = 0.12 + 0.25 * cell_noise(block, 3, layout.texture_seed);
    double across = slope * 96;
    bool window = static_cast<int64_t>(std::floor(across)) % 2 == 0 && rise > 0.02 && rise < roof - 0.012;
    return layout.ambient * (window ? 0.7 : 1.0) * shade * Color{1, 0.95, 0.88};
  }
  double high = std::clamp(rise * 4, 0.0, 1.0);
  return layout.ambient * ((1 - high) * Color{0.72, 0.78, 0.85} + high * Color{0.3, 0.47, 0.78});
}

Color shade(const Layout& layout, const Light& light, double beta, const Vec3& origin, const Vec3& d, int16_t solid,
            double depth) {
  Color color;
  double far = no_hit;  // metres along the ray
  if (solid >= 0) {
    const Solid& s = layout.solids[static_cast<size_t>(solid)];
    Vec3 place = origin + depth * d, own = s.to_own(place);
    SurfacePoint surface = surface_at(s, own);
    double width = s.shape == Solid::Shape::cylinder ? s.length : s.width;
    Color paint =
        albedo(s.look, surface.face, own.x / s.length, own.y / width, own.z / s.height, s.length, width, s.height);
    color = paint * light.at(place, s.to_ego(surface.normal));
    far = depth * length(d);
  } else if (d.z < 0 && -origin.z / d.z < 400) {
    double t = -origin.z / d.z;
    Vec3 place = origin + t * d;
    color = ground_albedo(layout, place.x, place.y, t) * light.at(place, {0, 0, 1});
    far = t * length(d);
  } else {
    color = background(layout, d);
    if (beta > 0) far = 300;
  }
  if (beta <= 0) return color;
  double left = exp_of_negative(-beta * far);
  return left * color + (1 - left) * airlight;
}

/// Photons counted, noise of reading them added, then the square root as the eye's curve (gamma 2).
uint8_t expose(double light, double electrons, RandomSequence& random) {
  double counted = poisson_of(light * electrons, random) + read_noise * normal_of(random);
  return static_cast<uint8_t>(std::floor(255 * std::sqrt(std::clamp(counted / electrons, 0.0, 1.0)) + 0.5));
}

}  // namespace

Image render(const Layout& layout, const Visibility& visibility, uint64_t scene_key) {
  const CameraModel& camera = layout.camera;
  Image image(camera.width, camera.height, {0, 0, 0});
  if (layout.condition == Condition::camera_dead) return image;
  RandomSequence random({scene_key, camera_noise_stream});
  Light light{layout};
  SampleRays rays(camera);
  double beta = extinction(layout.visibility);
  double electrons = layout.condition == Condition::night ? night_electrons : day_electrons;
  for (int64_t y = 0; y < camera.height; ++y)
    for (int64_t x = 0; x < camera.width; ++x) {
      Color sum;
      for (int64_t k = 0; k < 4; ++k) {
        int64_t column = 2 * x + k % 2, row = 2 * y + k / 2;
        size_t at = static_cast<size_t>(row * visibility.columns + column);
        sum = sum + shade(layout, light, beta, rays.origin, rays.direction(column, row), visibility.solid[at],
                          static_cast<double>(visibility.depth[at]));
      }
      uint8_t* pixel = image.pixels.data() + 3 * (y * camera.width + x);
      pixel[0] = expose(sum.red / 4, electrons, random);
      pixel[1] = expose(sum.green / 4, electrons, random);
      pixel[2] = expose(sum.blue / 4, electrons, random);
    }
  return image;
}

}  // namespace weft::examples::fusion::world
