#include <weft/examples/sensor_fusion/evidence.hpp>

#include <algorithm>
#include <cmath>

#include <weft/examples/sensor_fusion/evaluation.hpp>

#include <weft/examples/common/default_device.hpp>

namespace weft::examples::fusion {
namespace {

constexpr int64_t least_pixels = 4;

/// The part of four that a value falls into, by three borders.
size_t part_of(double value, const std::array<double, 3>& borders) {
  return static_cast<size_t>(std::upper_bound(borders.begin(), borders.end(), value) - borders.begin());
}

AttentionShare share_of(const float* weights, int64_t keys, const TokenBox& box, int64_t columns, int64_t tokens) {
  double inside = 0, all = 0;
  for (int64_t token = 0; token < tokens; ++token) all += static_cast<double>(weights[token]);
  for (int64_t row = box.top; row < box.bottom; ++row)
    for (int64_t column = box.left; column < box.right; ++column)
      inside += static_cast<double>(weights[row * columns + column]);
  return {.inside = all > 0 ? inside / all : 0,
          .area = static_cast<double>(box.tokens()) / static_cast<double>(tokens),
          .null = keys > tokens ? static_cast<double>(weights[tokens]) : 0,
          .objects = 1};
}

}  // namespace

std::optional<TokenBox> projected_tokens(const Box& box, const CameraModel& camera) {
  double left = INFINITY, right = -INFINITY, top = INFINITY, bottom = -INFINITY;
  for (const Vec3& corner : box.corners()) {
    Pixel pixel = camera.project(corner);
    if (pixel.depth <= 0.1) return std::nullopt;
    left = std::min(left, pixel.u);
    right = std::max(right, pixel.u);
    top = std::min(top, pixel.v);
    bottom = std::max(bottom, pixel.v);
  }
  // Token j covers the pixels [4 j - 0.5, 4 j + 3.5).
  auto token = [](double pixel, int64_t pixels) {
    double place = std::clamp(pixel + 0.5, 0.0, static_cast<double>(pixels)) / static_cast<double>(token_stride);
    return place;
  };
  TokenBox tokens{static_cast<int64_t>(std::floor(token(left, camera.width))),
                  static_cast<int64_t>(std::floor(token(top, camera.height))),
                  static_cast<int64_t>(std::ceil(token(right, camera.width))),
                  static_cast<int64_t>(std::ceil(token(bottom, camera.height)))};
  if (tokens.left >= tokens.right || tokens.top >= tokens.bottom) return std::nullopt;
  return tokens;
}

std::optional<int64_t> query_of(const Box& box, const BevGrid& grid) {
  auto cell = grid.cell_of(box.centre.x, box.centre.y);
  if (!cell) return std::nullopt;
  return *cell / BevGrid::columns / 2 * BevGrid::query_columns + *cell % BevGrid::columns / 2;
}

std::vector<Tensor> attention_maps(FusionModel& model, const Inputs& inputs) {
  NoGrad guard;
  eval(model);
  auto [output, sown] = capture([&] { return model(on_default_device(inputs)); });
  train(model);
  std::vector<Tensor> maps;
  for (auto [path, value, kind] : sown)
    if (path.find(".cross.") != std::string::npos) maps.push_back(mean(value, {1}));
  return maps;
}

void AttentionShare::add(const AttentionShare& other) {
  inside += other.inside;
  area += other.area;
  null += other.null;
  objects += other.objects;
}

AttentionShare Evidence::seeing() const {
  AttentionShare sum;
  for (Condition condition : conditions)
    if (condition != Condition::camera_dead) sum.add(by_condition[static_cast<size_t>(condition)]);
  return sum;
}

Evidence find_evidence(FusionModel& model, const std::vector<Scene>& scenes, const BevGrid& grid) {
  Evidence evidence;
  std::array<RangeBand, 3> bands = range_bands(grid);
  SceneSet set(scenes, {.grid = grid});
  DataLoader loader(set, {.batch_size = 25, .workers = 1});
  for (Batch& batch : loader) {
    std::vector<Tensor> maps = attention_maps(model, batch.inputs);
    if (maps.empty()) break;
    Tensor sum = maps.front();
    for (size_t layer = 1; layer < maps.size(); ++layer) sum = sum + maps[layer];
    std::vector<float> weights = (sum / static_cast<double>(maps.size())).to_vector<float>();
    int64_t keys = sum.size(2), tokens = batch.inputs.rays.size(1);
    for (size_t i = 0; i < batch.scenes.size(); ++i) {
      const Scene& scene = batch.scenes[i];
      for (const Box& box : scene.boxes) {
        auto query = query_of(box, grid);
        auto seen = projected_tokens(box, scene.camera);
        bool visible = box.visible_pixels < 0 || box.visible_pixels >= least_pixels;
        if (!query || !seen || !visible) continue;
        AttentionShare share = share_of(weights.data() + (static_cast<int64_t>(i) * BevGrid::queries + *query) * keys,
                                        keys, *seen, scene.camera.width / token_stride, tokens);
        evidence.by_condition[static_cast<size_t>(scene.condition)].add(share);
        if (scene.condition != Condition::camera_dead && scene.condition != Condition::lidar_dead)
          for (size_t band = 0; band < bands.size(); ++band)
            if (box.range() >= bands[band].nearest && box.range() < bands[band].farthest)
              evidence.by_range[band].add(share);
        if (scene.condition == Condition::fog)
          evidence.by_visibility[part_of(scene.visibility, {30, 40, 50})].add(share);
        if (scene.condition == Condition::night)
          evidence.by_ambient[part_of(scene.ambient, {0.05, 0.065, 0.08})].add(share);
      }
    }
  }
  return evidence;
}

}  // namespace weft::examples::fusion
