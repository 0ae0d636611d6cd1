#include <weft/training/losses.hpp>

#include <cmath>
#include <numbers>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/cross_entropy.hpp>
#include <weft/autograd/ops/gather.hpp>
#include <weft/autograd/ops/layout.hpp>
#include <weft/autograd/ops/one_hot.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/softmax.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

void same_shapes(const char* loss, const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape()))
    throw ShapeError(std::string(loss) + ": expected two tensors of one shape, got " + to_string(a.shape()) + " and " +
                     to_string(b.shape()));
}

/// Classes along `axis` checked against `logits`, with that axis put back in with extent 1.
Tensor class_indices(const char* loss, const Tensor& logits, const Tensor& labels, int axis) {
  Shape expected = logits.shape();
  expected.erase(axis);
  if (!(labels.shape() == expected))
    throw ShapeError(std::string(loss) + ": expected classes of shape " + to_string(expected) + " for logits " +
                     to_string(logits.shape()) + ", got " + to_string(labels.shape()));
  return expand_dims(check_indices(loss, labels.detach(), logits.shape()[axis], false), axis);
}

Tensor constant(const Tensor& labels, const Tensor& like) { return cast(labels.detach(), like.dtype()); }

}  // namespace

Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& labels, const CrossEntropyOptions& options) {
  constexpr const char* name = "softmax_cross_entropy";
  int axis = normalize_axis(options.axis, logits.shape(), name);
  Tensor targets;
  if (is_integer(labels.dtype())) {
    Tensor indices = class_indices(name, logits, labels, axis);
    if (axis == logits.rank() - 1 && !options.mask.defined())
      return apply(op::SoftmaxCrossEntropy{options.label_smoothing},
                   {cast(logits, at_least_float(logits.dtype())), labels.detach()});
    if (options.label_smoothing == 0 && !options.mask.defined())
      return negative(squeeze(take_along_axis(log_softmax(logits, axis), indices, axis), axis));
    targets = one_hot(labels, logits.shape()[axis], logits.dtype(), axis);
  } else {
    same_shapes(name, logits, labels);
    targets = constant(labels, logits);
  }
  if (options.label_smoothing != 0)
    targets =
        (1 - options.label_smoothing) * targets + options.label_smoothing / static_cast<double>(logits.shape()[axis]);
  if (!options.mask.defined()) return negative(sum(targets * log_softmax(logits, axis), axis));
  Tensor terms = targets * log_softmax(logits, axis, options.mask);
  return negative(sum(where(options.mask, terms, 0.0), axis));
}

Tensor softmax_cross_entropy_ignoring(const Tensor& logits, const Tensor& labels, int64_t ignored) {
  Tensor kept = not_equal(labels, ignored);
  return where(kept, softmax_cross_entropy(logits, where(kept, labels, zeros_like(labels))), 0.0);
}

Tensor poly_cross_entropy(const Tensor& logits, const Tensor& labels, double epsilon, int axis) {
  same_shapes("poly_cross_entropy", logits, labels);
  Tensor targets = constant(labels, logits);
  return softmax_cross_entropy(logits, targets, {.axis = axis}) +
         epsilon * sum(targets * (1.0 - softmax(logits, axis)), axis);
}

Tensor sigmoid_binary_cross_entropy(const Tensor& logits, const Tensor& labels) {
  Tensor targets = constant(labels, logits);
  return negative(targets * log_sigmoid(logits) + (1.0 - targets) * log_sigmoid(negative(logits)));
}

Tensor sigmoid_focal_loss(const Tensor& logits, const Tensor& labels, double gamma, std::optional<double> alpha) {
  Tensor targets = constant(labels, logits), p = sigmoid(logits);
  Tensor agreement = targets * p + (1.0 - targets) * (1.0 - p);
  Tensor loss = sigmoid_binary_cross_entropy(logits, labels) * power(1.0 - agreement, gamma);
  return alpha ? (*alpha * targets + (1 - *alpha) * (1.0 - targets)) * loss : loss;
}

Tensor squared_error(const Tensor& predictions, const Tensor& targets) {
  same_shapes("squared_error", predictions, targets);
  return square(predictions - targets);
}

Tensor l2_loss(const Tensor& predictions, const Tensor& targets) { return 0.5 * squared_error(predictions, targets); }

Tensor absolute_error(const Tensor& predictions, const Tensor& targets) {
  same_shapes("absolute_error", predictions, targets);
  return abs(predictions - targets);
}

Tensor huber_loss(const Tensor& predictions, const Tensor& targets, double delta) {
  Tensor error = absolute_error(predictions, targets), quadratic = minimum(error, delta);
  return 0.5 * square(quadratic) + delta * (error - quadratic);
}

Tensor log_cosh(const Tensor& predictions, const Tensor& targets) {
  same_shapes("log_cosh", predictions, targets);
  Tensor error = predictions - targets;
  return logaddexp(error, negative(error)) - std::numbers::ln2;
}

Tensor cosine_similarity(const Tensor& predictions, const Tensor& targets, double epsilon, int axis) {
  same_shapes("cosine_similarity", predictions, targets);
  auto norm = [&](const Tensor& x) { return sqrt(maximum(sum(square(x), axis), epsilon)); };
  return sum(predictions * targets, axis) / (norm(predictions) * norm(targets));
}

Tensor cosine_distance(const Tensor& predictions, const Tensor& targets, double epsilon, int axis) {
  return 1.0 - cosine_similarity(predictions, targets, epsilon, axis);
}

Tensor hinge_loss(const Tensor& outputs, const Tensor& targets) {
  same_shapes("hinge_loss", outputs, targets);
  return maximum(1.0 - outputs * constant(targets, outputs), 0.0);
}

Tensor multiclass_hinge_loss(const Tensor& scores, const Tensor& labels) {
  int axis = scores.rank() - 1;
  Tensor indices = class_indices("multiclass_hinge_loss", scores, labels, axis);
  Tensor hot = one_hot(labels, scores.shape()[axis], scores.dtype());
  return max(scores + 1.0 - hot, axis) - squeeze(take_along_axis(scores, indices, axis), axis);
}

Tensor kl_divergence(const Tensor& log_predictions, const Tensor& targets, int axis) {
  same_shapes("kl_divergence", log_predictions, targets);
  Tensor t = constant(targets, log_predictions);
  return sum(xlogy(t, t) - t * log_predictions, axis);
}

Tensor kl_divergence_with_log_targets(const Tensor& log_predictions, const Tensor& log_targets, int axis) {
  same_shapes("kl_divergence_with_log_targets", log_predictions, log_targets);
  return sum(exp(log_targets) * (log_targets - log_predictions), axis);
}

void require_finite(const Tensor& loss, int64_t step) {
  double value = loss.item<double>();
  if (!std::isfinite(value))
    throw NonFiniteError("loss at step " + std::to_string(step) + " is " + std::to_string(value) +
                         "; run the step under NanMode to find the op");
}

}  // namespace weft
