#pragma once

#include <functional>
#include <string>
#include <vector>

#include <weft/core/tensor.hpp>
#include <weft/examples/sensor_fusion/features.hpp>
#include <weft/examples/sensor_fusion/targets.hpp>
#include <weft/training/random_sequence.hpp>

namespace weft::examples::fusion {

/// What the model reads, for B scenes; see features.hpp.
struct Inputs {
  Tensor pictures;  // float32 [B, height, width, 3]
  Tensor rays;      // float32 [B, tokens, direction_features]
  Tensor pillars;   // float32 [B, 32, 32, pillar_features]
  Tensor places;    // float32 [B, queries, place_features]
  Tensor samples;   // float32 [B, queries, sample_heights, 2]
};

/// Inputs with what they should lead to.
struct Batch {
  Inputs inputs;
  Tensor heat;                // float32 [B, 32, 32, classes]
  Tensor box;                 // float32 [B, 32, 32, box_features]
  Tensor centres;             // float32 [B, 32, 32]
  std::vector<Scene> scenes;  // as the model sees them
};

/// What jit sees of a batch.
template <class F> void for_each_tensor(Inputs& inputs, F&& f) {
  for (Tensor* tensor : {&inputs.pictures, &inputs.rays, &inputs.pillars, &inputs.places, &inputs.samples}) f(*tensor);
}
template <class F> void for_each_tensor(Batch& batch, F&& f) {
  for_each_tensor(batch.inputs, f);
  for (Tensor* tensor : {&batch.heat, &batch.box, &batch.centres}) f(*tensor);
}

struct SampleOptions {
  BevGrid grid = {};
  double drop_camera = 0, drop_lidar = 0;  // how often a sensor is taken away, never both: modality dropout
  double other_picture = 0;                // how often the picture is one of another scene
  bool mirror = false;                     // left and right change places with probability 1/2
};

/// One scene's part of a batch.
struct FusionSample {
  std::vector<float> picture, rays, pillars, places, samples;
  Targets targets;
  Scene scene;
};

FusionSample make_sample(Scene scene, const SampleOptions& options, RandomSequence& random);
FusionSample make_sample(Scene scene, const BevGrid& grid);

/// Throws ShapeError when pictures differ in size.
Batch collate(const std::vector<FusionSample>& samples);

/// The scene as a mirror on the plane y = 0 shows it.
void mirror(Scene& scene);

/// Scenes as a dataset for DataLoader: stored ones, or made anew for each epoch.
class SceneSet {
 public:
  using Make = std::function<Scene(int64_t index, RandomSequence& random)>;
  SceneSet(int64_t count, Make make, SampleOptions options = {})
      : count_(count), make_(std::move(make)), options_(options) {}
  /// The scenes must outlive it.
  explicit SceneSet(const std::vector<Scene>& scenes, SampleOptions options = {});
  int64_t size() const { return count_; }
  FusionSample get(int64_t index, RandomSequence& random) const;

 private:
  int64_t count_;
  Make make_;
  SampleOptions options_;
};

}  // namespace weft::examples::fusion
