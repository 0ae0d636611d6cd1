#pragma once

#include <optional>

#include <weft/core/tensor.hpp>

namespace weft {

// Losses for each example, not reduced; take mean() of them. Names, arguments and formulas are optax's. Probabilities
// and classes are constants: no gradient flows into them.

struct CrossEntropyOptions {
  int axis = -1;               ///< the classes' axis
  double label_smoothing = 0;  ///< a: labels become (1 - a) * labels + a / classes
  Tensor mask = {};            ///< bool, broadcasts to the logits: classes where it is false are left out
};

/// Softmax cross-entropy of logits [batch..., classes]. Labels are classes (int32, int64 [batch...]) or probabilities
/// (floating, of the logits' shape); result [batch...]. Throws ShapeError, DTypeError, and IndexError for a class out
/// of range.
Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& labels, const CrossEntropyOptions& options = {});

/// Where `labels` is `ignored` the loss is 0 and so is its gradient; [batch...].
Tensor softmax_cross_entropy_ignoring(const Tensor& logits, const Tensor& labels, int64_t ignored);

/// Softmax cross-entropy + epsilon * sum(labels * (1 - softmax(logits))).
Tensor poly_cross_entropy(const Tensor& logits, const Tensor& labels, double epsilon = 2, int axis = -1);

/// -labels log sigmoid(logits) - (1 - labels) log sigmoid(-logits), element by element.
Tensor sigmoid_binary_cross_entropy(const Tensor& logits, const Tensor& labels);

/// The former times (1 - p_t)^gamma, and times alpha labels + (1 - alpha)(1 - labels) when alpha is given.
Tensor sigmoid_focal_loss(const Tensor& logits, const Tensor& labels, double gamma = 2,
                          std::optional<double> alpha = std::nullopt);

/// (predictions - targets)^2.
Tensor squared_error(const Tensor& predictions, const Tensor& targets);
/// Half of the former.
Tensor l2_loss(const Tensor& predictions, const Tensor& targets);
/// |predictions - targets|.
Tensor absolute_error(const Tensor& predictions, const Tensor& targets);
/// e^2 / 2 where e = |predictions - targets| <= delta, else delta (e - delta / 2).
Tensor huber_loss(const Tensor& predictions, const Tensor& targets, double delta = 1);
/// log(cosh(predictions - targets)).
Tensor log_cosh(const Tensor& predictions, const Tensor& targets);

/// p.t / (|p| |t|) over `axis`, each squared norm at least epsilon.
Tensor cosine_similarity(const Tensor& predictions, const Tensor& targets, double epsilon = 0, int axis = -1);
/// 1 - cosine_similarity.
Tensor cosine_distance(const Tensor& predictions, const Tensor& targets, double epsilon = 0, int axis = -1);

/// max(0, 1 - outputs * targets), targets -1 or 1.
Tensor hinge_loss(const Tensor& outputs, const Tensor& targets);
/// max over classes of (scores + 1 - one_hot(label)) - scores[label]; scores [batch..., classes], labels [batch...].
Tensor multiclass_hinge_loss(const Tensor& scores, const Tensor& labels);

/// sum(targets * (log targets - log_predictions)) over `axis`, 0 where a target is 0.
Tensor kl_divergence(const Tensor& log_predictions, const Tensor& targets, int axis = -1);
/// sum(exp(log_targets) * (log_targets - log_predictions)); the targets have a gradient too.
Tensor kl_divergence_with_log_targets(const Tensor& log_predictions, const Tensor& log_targets, int axis = -1);

/// Throws NonFiniteError `loss at step 12 is nan` when the scalar is NaN or infinite.
void require_finite(const Tensor& loss, int64_t step);

}  // namespace weft
