#include <weft/training/dense_losses.hpp>

#include <weft/autograd/grad.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

void check_alike(const char* name, const Tensor& x, const Tensor& y) {
  if (!(x.shape() == y.shape()))
    throw ShapeError(std::string(name) + ": expected two tensors of one shape, got " + to_string(x.shape()) + " and " +
                     to_string(y.shape()));
}

/// The mask in the type and shape of x.
Tensor mask_like(const char* name, const Tensor& mask, const Tensor& x) {
  if (!(broadcast_shapes(mask.shape(), x.shape(), name) == x.shape()))
    throw ShapeError(std::string(name) + ": expected a mask that broadcasts to " + to_string(x.shape()) + ", got " +
                     to_string(mask.shape()));
  return broadcast_to(cast(not_equal(mask, 0), x.dtype()), x.shape());
}

}  // namespace

Tensor centernet_focal_loss(const Tensor& logits, const Tensor& heat, const CenterNetFocalOptions& options) {
  check_alike("centernet_focal_loss", logits, heat);
  Tensor target = stop_gradient(heat), peaks = equal(target, 1.0);
  // The powers of p and 1 - p go through logarithms that stay finite for any logit.
  Tensor log_p = log_sigmoid(logits), log_not_p = log_sigmoid(-logits);
  Tensor hit = -exp(options.alpha * log_not_p) * log_p;
  Tensor miss = -power(1.0 - target, options.beta) * exp(options.alpha * log_p) * log_not_p;
  return sum(where(peaks, hit, miss)) / maximum(sum(cast(peaks, logits.dtype())), 1.0);
}

Tensor soft_dice_loss(const Tensor& chances, const Tensor& truth, const DiceOptions& options) {
  check_alike("soft_dice_loss", chances, truth);
  if (chances.rank() < 1) throw ShapeError("soft_dice_loss: expected chances [..., classes], got a single number");
  Tensor p = chances, t = stop_gradient(truth);
  if (options.mask.defined()) {
    Tensor kept = mask_like("soft_dice_loss", options.mask, p);
    p = p * kept;
    t = t * kept;
  }
  auto total = [](const Tensor& x) { return sum(reshape(x, {-1, x.size(-1)}), 0); };
  return 1.0 - mean((2.0 * total(p * t) + options.smooth) / (total(p) + total(t) + options.smooth));
}

Tensor masked_l1_loss(const Tensor& predictions, const Tensor& targets, const Tensor& mask) {
  check_alike("masked_l1_loss", predictions, targets);
  Tensor kept = mask_like("masked_l1_loss", mask, predictions);
  // What is left out may be anything, NaN included.
  Tensor error = where(not_equal(kept, 0), abs(predictions - stop_gradient(targets)), 0.0);
  return sum(error) / maximum(sum(kept), 1.0);
}

}  // namespace weft
