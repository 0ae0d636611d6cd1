#pragma once

#include <weft/core/tensor.hpp>

namespace weft {

// Losses over maps, reduced to one number.

struct CenterNetFocalOptions {
  double alpha = 2;  ///< power of the error, which makes light of what is easy
  double beta = 4;   ///< power of 1 - heat, which makes light of what is close to a peak
};

/// Penalty-reduced focal loss of a heat map of object centres (Law and Deng 2018, "CornerNet", equation 1; as in Zhou
/// et al. 2019, "Objects as Points"): where `heat` is 1, -(1 - p)^alpha log p; elsewhere -(1 - heat)^beta p^alpha log(1
/// - p), with p = sigmoid(logits); the sum over all elements, divided by the number of peaks, or by 1 where there are
/// none. `heat` in [0, 1] has the logits' shape and gets no gradient. Throws ShapeError.
Tensor centernet_focal_loss(const Tensor& logits, const Tensor& heat, const CenterNetFocalOptions& options = {});

struct DiceOptions {
  Tensor mask = {};   ///< broadcasts to the chances; elements where it is 0 are left out
  double smooth = 1;  ///< added above and below, so that a class without any element counts as right
};

/// 1 - (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth), sums over all but the last axis, mean over the classes of
/// the last one (Milletari et al. 2016, "V-Net", with plain sums below). Chances and truth [..., classes] in [0, 1].
/// Throws ShapeError when their shapes differ.
Tensor soft_dice_loss(const Tensor& chances, const Tensor& truth, const DiceOptions& options = {});

/// Mean of |predictions - targets| where `mask`, which broadcasts to them, is not 0; 0 where it is 0 everywhere. Throws
/// ShapeError.
Tensor masked_l1_loss(const Tensor& predictions, const Tensor& targets, const Tensor& mask);

}  // namespace weft
