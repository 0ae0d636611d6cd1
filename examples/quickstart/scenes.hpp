#pragma once

#include <vector>

#include <weft/core/tensor.hpp>
#include <weft/training/data_loader.hpp>

namespace weft::examples::quickstart {

constexpr int64_t sectors = 8, kinds = 3;
constexpr int64_t camera_cells = 5, camera_width = 24;
constexpr int64_t lidar_points = sectors, lidar_width = 40;

/// Two streams that see one scene: a camera cell knows its sector and no more, a lidar point the sector and the kind of
/// thing in it. What is in a camera cell is only known by looking the sector up in the other stream.
struct Scene {
  Tensor camera;               ///< [camera_cells, camera_width]
  Tensor lidar;                ///< [lidar_points, lidar_width], in any order
  std::vector<int32_t> label;  ///< the kind in each camera cell
};

struct Batch {
  Tensor camera, lidar, label;  ///< [B, L1, 24], [B, L2, 40], int32 [B, L1]
};

inline Batch collate(const std::vector<Scene>& scenes) {
  return {stack(scenes, &Scene::camera), stack(scenes, &Scene::lidar), stack(scenes, &Scene::label)};
}

/// Scenes drawn from a seed; scene i is the same whenever it is asked for.
struct Scenes {
  int64_t count;
  uint64_t seed;

  int64_t size() const { return count; }

  Scene get(int64_t index) const {
    RandomSequence random(RandomKey{seed, 0, static_cast<uint32_t>(index)});
    auto noisy = [&](const Shape& shape) {
      std::vector<float> values(static_cast<size_t>(shape.elements()));
      for (float& value : values) value = random.uniform(-0.3f, 0.3f);
      return Tensor::from(values, shape, Device());
    };
    auto mark = [](Tensor& rows, int64_t row, int64_t feature) {
      rows.mutable_data<float>()[row * rows.size(1) + feature] += 1.0f;
    };

    Scene scene{noisy({camera_cells, camera_width}), noisy({lidar_points, lidar_width}), {}};
    std::vector<int64_t> order(sectors), kind(sectors);
    for (int64_t i = 0; i < sectors; ++i) order[static_cast<size_t>(i)] = i;
    for (int64_t i = sectors - 1; i > 0; --i)
      std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(random.below(i + 1))]);
    for (int64_t i = 0; i < lidar_points; ++i) {
      int64_t sector = order[static_cast<size_t>(i)];
      kind[static_cast<size_t>(sector)] = random.below(kinds);
      mark(scene.lidar, i, sector);
      mark(scene.lidar, i, sectors + kind[static_cast<size_t>(sector)]);
    }
    for (int64_t cell = 0; cell < camera_cells; ++cell) {
      int64_t sector = random.below(sectors);
      mark(scene.camera, cell, sector);
      scene.label.push_back(static_cast<int32_t>(kind[static_cast<size_t>(sector)]));
    }
    return scene;
  }
};

}  // namespace weft::examples::quickstart
