#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <weft/autograd/ops/global_norm.hpp>
#include <weft/autograd/primitive.hpp>
#include <weft/training/schedules.hpp>
#include <weft/training/slots.hpp>

namespace weft {

/// What a transformation sees beside the gradients. All lists run parallel, one entry for each parameter.
struct UpdateContext {
  const std::vector<std::string>& paths;
  const Tensors& params;
  const Tensor& step;  ///< int64 scalar, 0 at the first update
};

class FusedUpdate;

/// One stage between gradients and updates, as in optax: keeps state for each parameter and turns gradients into
/// updates, which the optimizer adds to the parameters. It runs within jit too, so it computes with ops alone and keeps
/// its state in cells, such as Slots.
class Transform {
 public:
  virtual ~Transform() = default;
  /// Makes the state for these parameters.
  virtual void init(const std::vector<std::string>& paths, const Tensors& params) {
    static_cast<void>(paths), static_cast<void>(params);
  }
  virtual Tensors update(Tensors gradients, const UpdateContext& context) = 0;
  /// Takes parameter `i` as it is after the update.
  using TakeParam = std::function<void(size_t i, const Tensor& value)>;
  /// Gives each parameter that changes its new value: param + update, unless something faster gives the same. A
  /// parameter's old value is not looked at any more once its new one is given.
  virtual void apply(Tensors gradients, const UpdateContext& context, const TakeParam& take);
  /// Calls `visit(name, cell)` for every tensor of state: what is saved, and written to when loaded.
  using StateVisitor = std::function<void(const std::string& name, StateCell& cell)>;
  virtual void visit_state(const StateVisitor& visit) { static_cast<void>(visit); }

  /// Lists the stages that this one consists of.
  virtual void list_stages(std::vector<Transform*>& stages) { stages.push_back(this); }
  /// Makes this stage the next part of one that does several in one pass. False: it has no place there.
  virtual bool join(FusedUpdate& fused) {
    static_cast<void>(fused);
    return false;
  }
};
using TransformPtr = std::shared_ptr<Transform>;

/// Whether something applies to the parameter at `path`; asked once, when the optimizer is made.
using ParamMask = std::function<bool(const std::string& path, const Tensor& param)>;
/// Everything but biases, norm scales and embeddings: what weight decay commonly applies to.
ParamMask kernels_only();

/// One stage after another, each on the last one's result. Runs of Weft's own stages (clip_by_global_norm, then
/// add_decayed_weights, then one of adam, trace, ..., then add_decayed_weights, then the learning rate) are done in one
/// pass over memory, with the bits of one stage after another.
TransformPtr chain(std::vector<TransformPtr> stages);
template <class... Stages> TransformPtr chain(TransformPtr first, Stages... rest) {
  return chain(std::vector<TransformPtr>{std::move(first), std::move(rest)...});
}

/// Times `factor`.
TransformPtr scale(double factor);
/// Times minus the learning rate.
TransformPtr scale_by_learning_rate(Schedule learning_rate);
/// All gradients times max_norm / norm when the norm of all together is at least max_norm.
TransformPtr clip_by_global_norm(double max_norm);
/// Each element to [-max_delta, max_delta].
TransformPtr clip_elements(double max_delta);
/// g + weight_decay * p where the mask allows.
TransformPtr add_decayed_weights(double weight_decay, ParamMask mask = nullptr);
/// a <- g + decay * a; a, or with Nesterov g + decay * a.
TransformPtr trace(double decay, bool nesterov = false);
/// a <- decay * a + (1 - decay) * g, divided by 1 - decay^t with debias.
TransformPtr gradient_ema(double decay, bool debias = true);
/// Each parameter goes to the transformation of its label; throws ValueError for a label without one.
TransformPtr partition(std::vector<std::pair<std::string, TransformPtr>> transforms,
                       std::function<std::string(const std::string& path)> label);
/// Gathers gradients over `every` steps (their mean, or sum) and applies `inner` in the last of them; no change
/// between.
TransformPtr multi_steps(TransformPtr inner, int64_t every, bool use_mean = true);
/// Leaves the parameters where `mask` is false as they are, and keeps no state for them.
TransformPtr masked(TransformPtr inner, ParamMask mask);

}  // namespace weft
