#include <weft/training/fused_update.hpp>

#include <weft/autograd/ops/cast.hpp>

namespace weft {
namespace {

/// Elements from which on a group of parameters ends. Results are not written over the inputs, which somebody may hold;
/// but a group takes the memory, still in the caches, that the one before it has let go.
constexpr int64_t most_elements = 1 << 19;

std::vector<bool> choose(const ParamMask& mask, const std::vector<std::string>& paths, const Tensors& params,
                         size_t begin, size_t end) {
  std::vector<bool> chosen;
  for (size_t i = begin; mask && i < end; ++i) chosen.push_back(mask(paths[i], params[i]));
  return chosen;
}

}  // namespace

bool FusedUpdate::enter(Part part) {
  if (part <= last_) return false;
  last_ = part;
  return true;
}

bool FusedUpdate::clip(double max_norm) {
  if (!enter(Part::clip)) return false;
  op_.clips = true;
  op_.max_norm = max_norm;
  return true;
}

bool FusedUpdate::decay(double weight_decay, const ParamMask& mask) {
  if (weight_decay == 0) return true;
  if (enter(Part::early_decay)) {
    op_.early_decay.rate = weight_decay;
    early_mask_ = mask;
    return true;
  }
  if (!enter(Part::decay)) return false;
  op_.decay.rate = weight_decay;
  mask_ = mask;
  return true;
}

bool FusedUpdate::direct(const op::Direction& direction, std::vector<Slots>& states) {
  if (!enter(Part::direction)) return false;
  op_.direction = direction;
  for (Slots& state : states) states_.push_back(&state);
  return true;
}

bool FusedUpdate::scale(const Schedule& rate) {
  if (!enter(Part::scale)) return false;
  op_.scales = true;
  rate_ = rate;
  return true;
}

bool FusedUpdate::trace(double momentum, bool nesterov, std::vector<Slots>& states) {
  if (last_ < Part::direction)
    return direct({.rule = op::UpdateRule::trace, .b1 = momentum, .nesterov = nesterov}, states);
  if (!enter(Part::trace)) return false;
  op_.traces = true;
  op_.momentum = momentum;
  op_.nesterov = nesterov;
  states_.push_back(&states[0]);
  return true;
}

void FusedUpdate::init(const std::vector<std::string>& paths, const Tensors& params) {
  groups_.clear();
  for (size_t begin = 0, end = 0; begin < params.size(); begin = end) {
    for (int64_t elements = 0; end < params.size() && elements < most_elements; ++end)
      elements += params[end].elements();
    Group group{begin, end, op_};
    group.op.early_decay.mask = choose(early_mask_, paths, params, begin, end);
    group.op.decay.mask = choose(mask_, paths, params, begin, end);
    groups_.push_back(std::move(group));
  }
}

template <class Take> void FusedUpdate::run(Tensors gradients, const UpdateContext& context, bool adds, Take&& take) {
  if (gradients.empty()) return;
  Tensors scalars{context.step}, inputs;
  if (rate_) scalars.push_back((*rate_)(context.step));
  if (op_.clips) scalars.push_back(global_norm(gradients));
  for (Group& group : groups_) {
    const size_t begin = group.begin, end = group.end, n = end - begin;
    inputs.reserve(scalars.size() + (2 + states_.size()) * n);
    inputs.assign(scalars.begin(), scalars.end());
    for (size_t i = begin; i < end; ++i) inputs.push_back(context.params[i]);
    for (size_t i = begin; i < end; ++i) inputs.push_back(cast(gradients[i], context.params[i].dtype()));
    for (const Slots* state : states_)
      for (size_t i = begin; i < end; ++i) inputs.push_back((*state)[i]);
    group.op.adds = adds;
    Tensors results = apply_all(group.op, inputs);
    inputs.clear();
    for (size_t i = 0; i < n; ++i) {
      gradients[begin + i] = Tensor();
      take(begin + i, results[i]);
    }
    for (size_t s = 0; s < states_.size(); ++s)
      for (size_t i = 0; i < n; ++i) states_[s]->set(begin + i, results[(1 + s) * n + i]);
  }
}

Tensors FusedUpdate::update(Tensors gradients, const UpdateContext& context) {
  Tensors updates(gradients.size());
  run(std::move(gradients), context, false, [&](size_t i, const Tensor& update) { updates[i] = update; });
  return updates;
}

void FusedUpdate::apply(Tensors gradients, const UpdateContext& context, const Transform::TakeParam& take) {
  run(std::move(gradients), context, true, take);
}

void FusibleStage::init(const std::vector<std::string>& paths, const Tensors& params) {
  for (Slots& state : states_) state.init(paths, params);
  alone_ = FusedUpdate();
  join(alone_);
  alone_.init(paths, params);
}

void FusibleStage::visit_state(const StateVisitor& visit) {
  for (const Slots& state : states_) state.visit(visit);
}

}  // namespace weft
