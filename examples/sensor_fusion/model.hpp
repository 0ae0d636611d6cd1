#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/examples/sensor_fusion/batch.hpp>
#include <weft/weft.hpp>

namespace weft::examples::fusion {

/// How the two sensors come together. All kinds but the parts have about as many parameters.
enum class Fusion : uint8_t {
  attention,      ///< BEV cells attend to the camera's tokens: the association is learned and soft
  concatenation,  ///< each BEV cell takes the camera's features where its centre is projected: the association is hard
  mean,           ///< the same features, averaged with the LiDAR's
  late,           ///< a camera detector and a LiDAR detector, whose scores and boxes are combined
  camera,         ///< the camera alone
  lidar,          ///< the LiDAR alone
  camera_part,    ///< the camera alone, with no more layers than the model of attention has for it
  lidar_part,     ///< the LiDAR alone, likewise
};
constexpr std::array<Fusion, 8> fusions{Fusion::attention,   Fusion::concatenation, Fusion::mean,
                                        Fusion::late,        Fusion::camera,        Fusion::lidar,
                                        Fusion::camera_part, Fusion::lidar_part};
const char* name_of(Fusion fusion);
/// Throws ValueError.
Fusion fusion_named(std::string_view name);

struct ModelOptions {
  Fusion fusion = Fusion::attention;
  int64_t cross_layers = 2, heads = sample_heights;
  bool null_slot = true;           ///< a cell may attend to nothing
  bool directions = true;          ///< tell tokens and cells in which direction they lie
  bool uniform_attention = false;  ///< every cell looks at all tokens alike
};

constexpr int64_t bev_width = 64, attention_width = 96, value_width = 144, camera_width = 48,
                  token_width = camera_width + direction_features, fine_width = 24;

/// Pictures [B, H, W, 3] -> features [B, H/4, W/4, 48] in four convolutions, the first at full size: a distant
/// pedestrian is a few pixels.
struct CameraEncoder {
  Conv first, second, third, fourth;
  BatchNorm first_norm, second_norm, third_norm, fourth_norm;
  WEFT_MODULE(CameraEncoder, first, second, third, fourth, first_norm, second_norm, third_norm, fourth_norm)

  explicit CameraEncoder(Rngs& rngs);
  Tensor operator()(const Tensor& pictures) const;
};

/// What the LiDAR knows of every cell: of the whole grid, and of the queries' grid of half as many rows and columns.
struct BevFeatures {
  Tensor fine;    // [B, 32, 32, 24]; undefined without a LiDAR
  Tensor coarse;  // [B, 16, 16, 64]
};

/// Pillars [B, 32, 32, 7] -> BevFeatures in three convolutions.
struct LidarEncoder {
  Conv first, second, third;
  BatchNorm first_norm, second_norm, third_norm;
  WEFT_MODULE(LidarEncoder, first, second, third, first_norm, second_norm, third_norm)

  explicit LidarEncoder(Rngs& rngs);
  BevFeatures operator()(const Tensor& pillars) const;
};

/// Cells take in their neighbours and what the whole scene is like: x + down(h * sigmoid(gate(mean of h over cells)))
/// with h = gelu(up(norm(x))), where `up` is a 3 x 3 convolution (squeeze and excitation, Hu et al. 2018); x
/// [B, 16, 16, 64]. No cell alone can tell that a sensor is dead, or that the picture shows another place.
struct FeedForward {
  LayerNorm norm;
  Conv up;
  Linear gate, down;
  WEFT_MODULE(FeedForward, norm, up, gate, down)

  FeedForward(int64_t hidden, Rngs& rngs);
  Tensor operator()(const Tensor& x) const;
};

/// Cells look at the camera's tokens: x [B, 16, 16, 64], what tells the cells where they are [B, Q, 64], tokens
/// [B, T, 72].
struct CrossBlock {
  LayerNorm norm;
  MultiHeadAttention attend;
  FeedForward feed;
  WEFT_MODULE(CrossBlock, norm, attend, feed)

  CrossBlock(const ModelOptions& options, int64_t feed_hidden, Rngs& rngs);
  Tensor operator()(const Tensor& x, const Tensor& places, const Tensor& tokens) const;
};

/// BEV features -> output [B, 32, 32, output_features], the heat map's logits first.
struct Head {
  LayerNorm norm;
  Linear spread;
  Conv mix;
  Linear heat, box;
  WEFT_MODULE(Head, norm, spread, mix, heat, box)

  explicit Head(Rngs& rngs);
  Tensor operator()(const Tensor& bev, const Tensor& fine) const;
};

/// One detector on a bird's-eye grid with a camera, a LiDAR or both.
struct Detector {
  std::optional<CameraEncoder> see;
  std::optional<LidarEncoder> scan;
  Linear place;                ///< of a cell's code
  std::optional<Linear> join;  ///< camera features at a cell's projection, with the LiDAR's
  std::vector<CrossBlock> cross;
  std::vector<FeedForward> local;  ///< where others attend
  Head head;
  bool average, directions;
  WEFT_MODULE(Detector, see, scan, place, join, cross, local, head, average, directions)

  /// Sizes that make the kinds alike in number of parameters.
  struct Plan {
    bool camera = true, lidar = true, join = false, average = false;
    int64_t cross_layers = 0, local_layers = 0, hidden = 64;
  };
  Detector(const ModelOptions& options, const Plan& plan, Rngs& rngs);
  Tensor operator()(const Inputs& inputs) const;

 private:
  Tensor fuse(const Tensor& bev, const Tensor& places, const Tensor& camera, const Inputs& inputs) const;
};

/// One detector, or two whose outputs a linear layer combines.
struct FusionModel {
  std::vector<Detector> detectors;
  std::optional<Linear> combine;
  WEFT_MODULE(FusionModel, detectors, combine)

  FusionModel(const ModelOptions& options, Rngs& rngs);
  /// [B, 32, 32, output_features].
  Tensor operator()(const Inputs& inputs) const;
};

/// With fresh parameters, for pictures of that size.
FusionModel make_model(const ModelOptions& options, uint64_t seed, int64_t picture_height, int64_t picture_width);

/// Lets every cross layer of a trained model look at all tokens alike.
void make_attention_uniform(FusionModel& model);

}  // namespace weft::examples::fusion
