#include <weft/examples/hierarchical_fusion/digits_model.hpp>

#include <array>

namespace weft::examples::hierarchy {
namespace {

constexpr std::array<const char*, 5> branch_names{"cross", "sum", "concat", "small", "large"};

/// Pictures [B, 8, 8, 1] -> [B, patches, patch * patch].
Tensor cut(const Tensor& pictures, int64_t patch) {
  int64_t batch = pictures.size(0), count = digit_extent / patch;
  Tensor tiles = transpose(reshape(pictures, {batch, count, patch, count, patch}), {0, 1, 3, 2, 4});
  return reshape(tiles, {batch, count * count, patch * patch});
}

Tensor class_token_of(const Tensor& tokens) { return slice_axis(tokens, 1, 0, 1); }
Tensor patches_of(const Tensor& tokens) { return slice_axis(tokens, 1, 1, tokens.size(1)); }

}  // namespace

const char* name_of(Branches branches) { return branch_names[static_cast<size_t>(branches)]; }

Branches branches_of(const std::string& name) {
  std::string known;
  for (size_t i = 0; i < branch_names.size(); ++i) {
    if (name == branch_names[i]) return static_cast<Branches>(i);
    known += (i == 0 ? "" : ", ") + std::string(branch_names[i]);
  }
  throw ValueError("branches: expected one of " + known + ", got '" + name + "'");
}

PatchTokens::PatchTokens(int64_t patch, int64_t width, Rngs& rngs)
    : project({.in_features = patch * patch, .out_features = width}, rngs),
      class_token(initializers::normal(0.02), rngs.params()),
      places(initializers::normal(0.02), rngs.params()),
      patch(patch) {
  int64_t count = digit_extent / patch;
  class_token.resolve({1, width});
  places.resolve({1 + count * count, width});
}

Tensor PatchTokens::operator()(const Tensor& pictures) const {
  Scope scope(*this);
  Tensor patches = project(cut(pictures, patch));
  Tensor first = broadcast_to(class_token, {pictures.size(0), 1, patches.size(2)});
  return concatenate({first, patches}, 1) + places;
}

TokenBlock::TokenBlock(int64_t width, const DigitModelOptions& options, Rngs& rngs)
    : attend_norm({.num_features = width}, rngs),
      feed_norm({.num_features = width}, rngs),
      attend({.query_features = width, .num_heads = options.heads}, rngs),
      up({.in_features = width, .out_features = 2 * width}, rngs),
      down({.in_features = 2 * width, .out_features = width}, rngs),
      dropout({.rate = options.dropout_rate}, rngs) {}

Tensor TokenBlock::operator()(const Tensor& x) const {
  Scope scope(*this);
  Tensor seen = x + dropout(attend(attend_norm(x)));
  return seen + dropout(down(gelu(up(feed_norm(seen)))));
}

ClassTokenExchange::ClassTokenExchange(int64_t width, int64_t other_width, const DigitModelOptions& options, Rngs& rngs)
    : mine_norm({.num_features = width}, rngs),
      other_norm({.num_features = other_width}, rngs),
      attend({.query_features = width,
              .key_features = other_width,
              .num_heads = options.heads,
              .null_slot = true,
              .sow_weights = true},
             rngs) {}

Tensor ClassTokenExchange::operator()(const Tensor& mine, const Tensor& other) const {
  Scope scope(*this);
  Tensor token = class_token_of(mine);
  token = token + attend(mine_norm(token), other_norm(patches_of(other)));
  return concatenate({token, patches_of(mine)}, 1);
}

Branch::Branch(int64_t patch, int64_t width, const DigitModelOptions& options, Rngs& rngs)
    : tokens(patch, width, rngs), norm({.num_features = width}, rngs) {
  for (int64_t i = 0; i < options.layers; ++i) blocks.emplace_back(width, options, rngs);
}

DigitModel::DigitModel(const DigitModelOptions& options, Rngs& rngs) : branches(options.branches) {
  bool has_small = branches != Branches::large_only, has_large = branches != Branches::small_only;
  if (has_small) small.emplace_back(small_patch, small_width, options, rngs);
  if (has_large) large.emplace_back(large_patch, large_width, options, rngs);
  for (int64_t i = 0; branches == Branches::cross && i < options.layers; ++i) {
    to_small.emplace_back(small_width, large_width, options, rngs);
    to_large.emplace_back(large_width, small_width, options, rngs);
  }
  auto classifier = [&](int64_t width) {
    classify.emplace_back(LinearOptions{.in_features = width, .out_features = digit_classes}, rngs);
  };
  if (branches == Branches::concat) {
    classifier(small_width + large_width);
  } else {
    if (has_small) classifier(small_width);
    if (has_large) classifier(large_width);
  }
}

Tensor DigitModel::operator()(const Tensor& pictures) const {
  Scope scope(*this);
  Tensor s, l;
  if (!small.empty()) s = small[0].tokens(pictures);
  if (!large.empty()) l = large[0].tokens(pictures);
  size_t layers = (small.empty() ? large : small)[0].blocks.size();
  for (size_t i = 0; i < layers; ++i) {
    if (!small.empty()) s = small[0].blocks[i](s);
    if (!large.empty()) l = large[0].blocks[i](l);
    if (branches != Branches::cross) continue;
    Tensor before = s;  // both look at what the other was before
    s = to_small[i](s, l);
    l = to_large[i](l, before);
  }
  std::vector<Tensor> tokens;
  if (!small.empty()) tokens.push_back(squeeze(small[0].norm(class_token_of(s)), 1));
  if (!large.empty()) tokens.push_back(squeeze(large[0].norm(class_token_of(l)), 1));
  if (branches == Branches::concat) return classify[0](concatenate(tokens, -1));
  Tensor logits = classify[0](tokens[0]);
  if (tokens.size() == 2) logits = 0.5f * (logits + classify[1](tokens[1]));
  return logits;
}

DigitModel make_digit_model(const DigitModelOptions& options, uint64_t seed) {
  Rngs rngs(seed);
  DigitModel model(options, rngs);
  initialize(model, Tensor::meta({2, digit_extent, digit_extent, 1}));
  return model;
}

}  // namespace weft::examples::hierarchy
