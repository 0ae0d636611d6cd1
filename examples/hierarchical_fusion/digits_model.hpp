#pragma once

#include <string>
#include <vector>

#include <weft/examples/hierarchical_fusion/digits_data.hpp>
#include <weft/weft.hpp>

namespace weft::examples::hierarchy {

constexpr int64_t small_width = 32, large_width = 64;  ///< features of the branches' tokens
constexpr int64_t small_patch = 2, large_patch = 4;    ///< pixels of a patch's edge

/// How the two branches of a digits model meet.
enum class Branches : uint8_t {
  cross,       ///< each branch's class token looks at the other branch's patches (CrossViT)
  late_sum,    ///< the mean of both branches' logits
  concat,      ///< one classifier over both class tokens
  small_only,  ///< 16 patches of 2 x 2 pixels, 32 wide
  large_only   ///< 4 patches of 4 x 4 pixels, 64 wide
};

/// `cross`, `sum`, `concat`, `small`, `large`.
const char* name_of(Branches branches);
/// The reverse; throws ValueError listing the names.
Branches branches_of(const std::string& name);

struct DigitModelOptions {
  Branches branches = Branches::cross;
  int64_t layers = 2, heads = 4;
  float dropout_rate = 0.2f;
};

/// Patches of a picture [B, 8, 8, 1] and a class token before them, with learned places: [B, 1 + patches, width].
struct PatchTokens {
  Linear project;
  Param class_token;  ///< [1, width]
  Param places;       ///< [1 + patches, width]
  int64_t patch;
  WEFT_MODULE(PatchTokens, project, class_token, places, patch)

  PatchTokens(int64_t patch, int64_t width, Rngs& rngs);
  Tensor operator()(const Tensor& pictures) const;
};

/// One pre-norm transformer block, x [B, T, width].
struct TokenBlock {
  LayerNorm attend_norm, feed_norm;
  MultiHeadAttention attend;
  Linear up, down;
  Dropout dropout;
  WEFT_MODULE(TokenBlock, attend_norm, feed_norm, attend, up, down, dropout)

  TokenBlock(int64_t width, const DigitModelOptions& options, Rngs& rngs);
  Tensor operator()(const Tensor& x) const;
};

/// The class token of `mine` [B, T, width] looks at itself and the patches of `other` [B, U, other width].
struct ClassTokenExchange {
  LayerNorm mine_norm, other_norm;
  MultiHeadAttention attend;
  WEFT_MODULE(ClassTokenExchange, mine_norm, other_norm, attend)

  ClassTokenExchange(int64_t width, int64_t other_width, const DigitModelOptions& options, Rngs& rngs);
  Tensor operator()(const Tensor& mine, const Tensor& other) const;
};

/// One branch: tokens, a block for each layer, and its classifier.
struct Branch {
  PatchTokens tokens;
  std::vector<TokenBlock> blocks;
  LayerNorm norm;
  WEFT_MODULE(Branch, tokens, blocks, norm)

  Branch(int64_t patch, int64_t width, const DigitModelOptions& options, Rngs& rngs);
};

/// Reads digits: pictures [B, 8, 8, 1] -> logits [B, 10].
struct DigitModel {
  std::vector<Branch> small, large;  ///< none or one of each
  std::vector<ClassTokenExchange> to_small, to_large;
  std::vector<Linear> classify;
  Branches branches;
  WEFT_MODULE(DigitModel, small, large, to_small, to_large, classify, branches)

  DigitModel(const DigitModelOptions& options, Rngs& rngs);
  Tensor operator()(const Tensor& pictures) const;
};

/// A model with fresh parameters.
DigitModel make_digit_model(const DigitModelOptions& options, uint64_t seed);

}  // namespace weft::examples::hierarchy
