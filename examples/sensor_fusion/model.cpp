#include <weft/examples/sensor_fusion/model.hpp>

#include <algorithm>
#include <array>

namespace weft::examples::fusion {
namespace {

/// A window of 3 over an even extent has no middle: behind, then before, puts the windows of two halvings at pixels
/// 4 i + 1, which token_offset says too.
const Padding before = {{1, 0}, {1, 0}}, behind = {{0, 1}, {0, 1}};

ConvOptions halving(int64_t out_features, const Padding& padding) {
  return {
      .out_features = out_features, .kernel_size = {3, 3}, .strides = {2, 2}, .padding = padding, .use_bias = false};
}
ConvOptions keeping(int64_t out_features) {
  return {.out_features = out_features, .kernel_size = {3, 3}, .padding = PaddingRule::same, .use_bias = false};
}

MultiHeadAttentionOptions cross_attention(const ModelOptions& options) {
  MultiHeadAttentionOptions attention{.query_features = bev_width,
                                      .key_features = token_width,
                                      .num_heads = options.heads,
                                      .head_dim = attention_width / options.heads,
                                      .value_head_dim = value_width / options.heads,
                                      .null_slot = options.null_slot,
                                      .sow_weights = true};
  if (options.uniform_attention) attention.scale = 0.0;
  return attention;
}

/// Found by counting, so that the kinds are within a few per cent of each other; a test holds them there.
std::vector<Detector::Plan> plans(const ModelOptions& options) {
  using Plan = Detector::Plan;
  int64_t layers = options.cross_layers;
  switch (options.fusion) {
    case Fusion::attention: return {Plan{.cross_layers = layers, .hidden = 64}};
    case Fusion::concatenation: return {Plan{.join = true, .local_layers = layers, .hidden = 97}};
    case Fusion::mean: return {Plan{.join = true, .average = true, .local_layers = layers, .hidden = 100}};
    case Fusion::camera: return {Plan{.lidar = false, .cross_layers = layers + 1, .hidden = 50}};
    case Fusion::lidar: return {Plan{.camera = false, .local_layers = 2 * layers, .hidden = 69}};
    case Fusion::camera_part: return {Plan{.lidar = false, .cross_layers = layers, .hidden = 64}};
    case Fusion::lidar_part: return {Plan{.camera = false, .local_layers = layers, .hidden = 64}};
    case Fusion::late:
      return {Plan{.lidar = false, .cross_layers = 1, .hidden = 72},
              Plan{.camera = false, .local_layers = 1, .hidden = 72}};
  }
  throw ValueError("ModelOptions: fusion is none of the known ones");
}

/// Lets attention begin where a viewing ray meets a cell: each head starts with a copy of the finer harmonics of the
/// azimuth, and of the elevation at one of the heights, on the side of the queries and on that of the keys, so that the
/// logits are largest where the two directions agree; one more feature stands for the null slot, which begins with a
/// small share. From random projections that is found too, but after thousands of steps.
void align(CrossBlock& block) {
  const MultiHeadAttention& attend = block.attend;
  constexpr float gain = 3, null_gain = 7;
  constexpr int64_t azimuth_first = 4, azimuth_count = 8, elevation_first = 6, elevation_count = 6;
  int64_t heads = attend.num_heads, width = attend.head_dim;
  if (width < azimuth_count + elevation_count + 1) return;
  std::vector<float> query(static_cast<size_t>(place_features * heads * width)),
      null(static_cast<size_t>(heads * width));
  std::vector<float> key(static_cast<size_t>(direction_features * heads * width));
  for (int64_t head = 0; head < heads; ++head) {
    auto copy = [&](int64_t from_query, int64_t from_key, int64_t to) {
      query[static_cast<size_t>((from_query * heads + head) * width + to)] = gain;
      key[static_cast<size_t>((from_key * heads + head) * width + to)] = gain;
    };
    for (int64_t i = 0; i < azimuth_count; ++i) copy(azimuth_first + i, azimuth_first + i, i);
    for (int64_t i = 0; i < elevation_count; ++i) {
      int64_t feature = angle_features + elevation_first + i;
      copy(feature + head % sample_heights * angle_features, feature, azimuth_count + i);
    }
    null[static_cast<size_t>((head + 1) * width - 1)] = null_gain;
  }
  auto tensor = [&](const std::vector<float>& values, int64_t rows) {
    return Tensor::from(values, {rows, heads, width});
  };
  attend.query.kernel.set(slice_add(attend.query.kernel, tensor(query, place_features), {slice(0, place_features)}));
  attend.key.kernel.set(
      slice_add(attend.key.kernel, tensor(key, direction_features), {slice(camera_width, token_width)}));
  Tensor slot = Tensor::from(null, {heads, width});
  attend.query.bias.set(attend.query.bias + slot);
  if (attend.null_key) attend.null_key.set(attend.null_key + slot);
}

}  // namespace

const char* name_of(Fusion fusion) {
  switch (fusion) {
    case Fusion::attention: return "attention";
    case Fusion::concatenation: return "concatenation";
    case Fusion::mean: return "mean";
    case Fusion::late: return "late";
    case Fusion::camera: return "camera";
    case Fusion::lidar: return "lidar";
    case Fusion::camera_part: return "camera-part";
    case Fusion::lidar_part: return "lidar-part";
  }
  return "?";
}

Fusion fusion_named(std::string_view name) {
  for (Fusion fusion : fusions)
    if (name == name_of(fusion)) return fusion;
  std::string known;
  for (Fusion fusion : fusions) known += (known.empty() ? "" : ", ") + std::string(name_of(fusion));
  throw ValueError("fusion: expected one of " + known + ", got '" + std::string(name) + "'");
}

CameraEncoder::CameraEncoder(Rngs& rngs)
    : first(keeping(16), rngs),
      second(halving(32, behind), rngs),
      third(halving(camera_width, before), rngs),
      fourth(keeping(camera_width), rngs),
      first_norm({}, rngs),
      second_norm({}, rngs),
      third_norm({}, rngs),
      fourth_norm({}, rngs) {}

Tensor CameraEncoder::operator()(const Tensor& pictures) const {
  Scope scope(*this);
  Tensor x = relu(first_norm(first(pictures)));
  x = relu(second_norm(second(x)));
  x = relu(third_norm(third(x)));
  return relu(fourth_norm(fourth(x)));
}

LidarEncoder::LidarEncoder(Rngs& rngs)
    : first(keeping(fine_width), rngs),
      second(halving(48, behind), rngs),
      third(keeping(bev_width), rngs),
      first_norm({}, rngs),
      second_norm({}, rngs),
      third_norm({}, rngs) {}

BevFeatures LidarEncoder::operator()(const Tensor& pillars) const {
  Scope scope(*this);
  Tensor fine = relu(first_norm(first(pillars)));
  return {fine, third_norm(third(relu(second_norm(second(fine)))))};
}

FeedForward::FeedForward(int64_t hidden, Rngs& rngs)
    : norm({}, rngs),
      up({.out_features = hidden, .kernel_size = {3, 3}, .padding = PaddingRule::same}, rngs),
      gate({.out_features = hidden}, rngs),
      down({.out_features = bev_width}, rngs) {}

Tensor FeedForward::operator()(const Tensor& x) const {
  Scope scope(*this);
  Tensor hidden = gelu(up(norm(x)));
  return x + down(hidden * sigmoid(gate(mean(hidden, {1, 2}, true))));
}

CrossBlock::CrossBlock(const ModelOptions& options, int64_t feed_hidden, Rngs& rngs)
    : norm({.scale_init = initializers::constant(0.1)}, rngs),
      attend(cross_attention(options), rngs),
      feed(feed_hidden, rngs) {}

Tensor CrossBlock::operator()(const Tensor& x, const Tensor& places, const Tensor& tokens) const {
  Scope scope(*this);
  Tensor queries = flatten(norm(x), 1, 2) + places;
  return feed(x + reshape(attend(queries, tokens), x.shape()));
}

Head::Head(Rngs& rngs)
    : norm({}, rngs),
      spread({.out_features = 4 * 32}, rngs),
      mix({.out_features = 32, .kernel_size = {3, 3}, .padding = PaddingRule::same}, rngs),
      // Scores begin at 0.1, so that the many empty cells do not drown the few centres (Lin et al. 2017).
      heat({.out_features = class_count, .bias_init = initializers::constant(-2.19)}, rngs),
      box({.out_features = box_features}, rngs) {}

Tensor Head::operator()(const Tensor& bev, const Tensor& fine) const {
  Scope scope(*this);
  int64_t batch = bev.size(0), rows = bev.size(1), columns = bev.size(2);
  // Every query speaks for its 2 x 2 cells.
  Tensor x = reshape(spread(norm(bev)), {batch, rows, columns, 2, 2, 32});
  x = reshape(transpose(x, {0, 1, 3, 2, 4, 5}), {batch, 2 * rows, 2 * columns, 32});
  if (fine.defined()) x = concatenate({x, fine}, -1);
  x = relu(mix(x));
  return concatenate({heat(x), box(x)}, -1);
}

Detector::Detector(const ModelOptions& options, const Plan& plan, Rngs& rngs)
    : place({.out_features = bev_width, .kernel_init = initializers::from_tensor(eye(place_features, bev_width))},
            rngs),
      head(rngs),
      average(plan.average),
      directions(options.directions) {
  if (plan.camera) see.emplace(rngs);
  if (plan.lidar) scan.emplace(rngs);
  if (plan.join) join.emplace(LinearOptions{.out_features = bev_width}, rngs);
  for (int64_t i = 0; i < plan.cross_layers; ++i) cross.emplace_back(options, plan.hidden, rngs);
  for (int64_t i = 0; i < plan.local_layers; ++i) local.emplace_back(plan.hidden, rngs);
}

Tensor Detector::fuse(const Tensor& bev, const Tensor& places, const Tensor& camera, const Inputs& inputs) const {
  Tensor x = bev;
  if (join) {
    // All heights of a cell side by side.
    Tensor seen = grid_sample(camera, inputs.samples, {.normalized = false});
    seen = reshape(seen, {x.size(0), x.size(1), x.size(2), sample_heights * camera_width});
    x = average ? 0.5 * (x + (*join)(seen)) : (*join)(concatenate({x, seen}, -1));
  }
  if (!cross.empty()) {
    Tensor rays = directions ? inputs.rays : zeros_like(inputs.rays);
    Tensor tokens = concatenate({flatten(camera, 1, 2), rays}, -1);
    for (const CrossBlock& block : cross) x = block(x, places, tokens);
  }
  return x;
}

Tensor Detector::operator()(const Inputs& inputs) const {
  Scope scope(*this);
  Tensor places = place(directions ? inputs.places : zeros_like(inputs.places)), fine;
  Tensor x = reshape(places, {places.size(0), BevGrid::query_rows, BevGrid::query_columns, bev_width});
  if (scan) {
    BevFeatures bev = (*scan)(inputs.pillars);
    fine = bev.fine;
    x = x + bev.coarse;
  }
  if (see) x = fuse(x, places, (*see)(inputs.pictures), inputs);
  for (const FeedForward& block : local) x = block(x);
  return head(x, fine);
}

FusionModel::FusionModel(const ModelOptions& options, Rngs& rngs) {
  for (const Detector::Plan& plan : plans(options)) detectors.emplace_back(options, plan, rngs);
  if (detectors.size() < 2) return;
  // At first the mean of the two.
  std::vector<float> halves(2 * output_features * output_features, 0.0f);
  for (size_t i = 0; i < 2 * output_features; ++i) halves[i * output_features + i % output_features] = 0.5f;
  combine.emplace(LinearOptions{.out_features = output_features,
                                .kernel_init = initializers::from_tensor(
                                    Tensor::from(halves, Shape{2 * output_features, output_features}))},
                  rngs);
}

Tensor FusionModel::operator()(const Inputs& inputs) const {
  Scope scope(*this);
  if (!combine) return detectors.front()(inputs);
  Tensors outputs;
  for (const Detector& detector : detectors) outputs.push_back(detector(inputs));
  return (*combine)(concatenate(outputs, -1));
}

FusionModel make_model(const ModelOptions& options, uint64_t seed, int64_t picture_height, int64_t picture_width) {
  Rngs rngs(seed);
  FusionModel model(options, rngs);
  int64_t tokens = (picture_height / token_stride) * (picture_width / token_stride);
  Inputs shapes{Tensor::meta({2, picture_height, picture_width, 3}), Tensor::meta({2, tokens, direction_features}),
                Tensor::meta({2, BevGrid::rows, BevGrid::columns, pillar_features}),
                Tensor::meta({2, BevGrid::queries, place_features}),
                Tensor::meta({2, BevGrid::queries, sample_heights, 2})};
  initialize_by(model, [&] { model(shapes); });
  if (options.directions)
    for (Detector& detector : model.detectors)
      for (CrossBlock& block : detector.cross) align(block);
  return model;
}

void make_attention_uniform(FusionModel& model) {
  for (Detector& detector : model.detectors)
    for (CrossBlock& block : detector.cross) block.attend.scale = 0.0;
}

}  // namespace weft::examples::fusion
