#include <weft/training/transform.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/core/error.hpp>
#include <weft/training/fused_update.hpp>

namespace weft {
namespace {

TransformPtr fusible(FusibleStage::Join join, std::vector<Slots> states = {}) {
  return std::make_shared<FusibleStage>(std::move(join), std::move(states));
}

class ClipElements final : public Transform {
 public:
  explicit ClipElements(double max_delta) : max_delta_(max_delta) {}
  Tensors update(Tensors gradients, const UpdateContext&) override {
    for (Tensor& gradient : gradients) gradient = clip(gradient, -max_delta_, max_delta_);
    return gradients;
  }

 private:
  double max_delta_;
};

/// Runs `inner` on some of the parameters.
class Subset final : public Transform {
 public:
  Subset(TransformPtr inner, ParamMask chosen) : inner_(std::move(inner)), chosen_(std::move(chosen)) {}
  void init(const std::vector<std::string>& paths, const Tensors& params) override {
    places_.clear();
    paths_.clear();
    for (size_t i = 0; i < paths.size(); ++i) {
      if (!chosen_(paths[i], params[i])) continue;
      places_.push_back(i);
      paths_.push_back(paths[i]);
    }
    inner_->init(paths_, mine(params));
  }
  /// Gradients of the others are given back as they came.
  Tensors update(Tensors gradients, const UpdateContext& context) override {
    Tensors updates = inner_->update(mine(gradients), {paths_, mine(context.params), context.step});
    for (size_t i = 0; i < places_.size(); ++i) gradients[places_[i]] = updates[i];
    return gradients;
  }
  void apply(Tensors gradients, const UpdateContext& context, const TakeParam& take) override {
    Tensors params = mine(context.params);
    inner_->apply(mine(gradients), {paths_, params, context.step}, [&](size_t i, const Tensor& value) {
      params[i] = Tensor();
      take(places_[i], value);
    });
  }
  void visit_state(const StateVisitor& visit) override { inner_->visit_state(visit); }

  const std::vector<size_t>& places() const { return places_; }

 private:
  Tensors mine(const Tensors& all) const {
    Tensors own;
    own.reserve(places_.size());
    for (size_t place : places_) own.push_back(all[place]);
    return own;
  }

  TransformPtr inner_;
  ParamMask chosen_;
  std::vector<size_t> places_;
  std::vector<std::string> paths_;
};

class Masked final : public Transform {
 public:
  Masked(TransformPtr inner, ParamMask mask) : subset_(std::move(inner), std::move(mask)) {}
  void init(const std::vector<std::string>& paths, const Tensors& params) override { subset_.init(paths, params); }
  Tensors update(Tensors gradients, const UpdateContext& context) override {
    Tensors updates = subset_.update(std::move(gradients), context), result;
    for (const Tensor& param : context.params) result.push_back(zeros_like(param));
    for (size_t place : subset_.places()) result[place] = updates[place];
    return result;
  }
  void apply(Tensors gradients, const UpdateContext& context, const TakeParam& take) override {
    subset_.apply(std::move(gradients), context, take);
  }
  void visit_state(const StateVisitor& visit) override { subset_.visit_state(visit); }

 private:
  Subset subset_;
};

class Partition final : public Transform {
 public:
  Partition(std::vector<std::pair<std::string, TransformPtr>> transforms,
            std::function<std::string(const std::string&)> label)
      : label_(std::move(label)) {
    for (auto& [name, inner] : transforms) {
      std::string mine = name;
      parts_.emplace_back(
          name, std::make_shared<Subset>(std::move(inner), [this, mine](const std::string& path, const Tensor&) {
            return label_(path) == mine;
          }));
    }
  }
  void init(const std::vector<std::string>& paths, const Tensors& params) override {
    for (const std::string& path : paths) {
      bool known = false;
      for (const auto& part : parts_) known = known || part.first == label_(path);
      if (!known) throw ValueError("partition: no transformation for label '" + label_(path) + "' of " + path);
    }
    for (auto& part : parts_) part.second->init(paths, params);
  }
  Tensors update(Tensors gradients, const UpdateContext& context) override {
    for (auto& part : parts_) gradients = part.second->update(std::move(gradients), context);
    return gradients;
  }
  void apply(Tensors gradients, const UpdateContext& context, const TakeParam& take) override {
    for (auto& part : parts_) part.second->apply(gradients, context, take);
  }
  void visit_state(const StateVisitor& visit) override {
    for (auto& part : parts_)
      part.second->visit_state([&](const std::string& name, StateCell& cell) { visit(part.first + "." + name, cell); });
  }

 private:
  std::function<std::string(const std::string&)> label_;
  std::vector<std::pair<std::string, TransformPtr>> parts_;
};

/// `inner` runs in every step, and its results are taken in the last of `every`: what happens must not depend on a
/// number that host code reads.
class MultiSteps final : public Transform {
 public:
  MultiSteps(TransformPtr inner, int64_t every, bool use_mean)
      : inner_(std::move(inner)), every_(every), use_mean_(use_mean), sums_("accumulated") {
    if (every < 1) throw ValueError("multi_steps: expected at least 1 step, got " + std::to_string(every));
  }
  void init(const std::vector<std::string>& paths, const Tensors& params) override {
    sums_.init(paths, params);
    inner_->init(paths, params);
    inner_cells_.clear();
    inner_->visit_state([&](const std::string&, StateCell& cell) { inner_cells_.push_back(Ref<StateCell>(&cell)); });
  }
  Tensors update(Tensors gradients, const UpdateContext& context) override {
    Tensors updates;
    advance(std::move(gradients), context, [&](Tensors mean, const Tensor& last, const UpdateContext& inner) {
      updates = inner_->update(std::move(mean), inner);
      for (Tensor& update : updates) update = where(last, update, zeros_like(update));
    });
    return updates;
  }
  void apply(Tensors gradients, const UpdateContext& context, const TakeParam& take) override {
    advance(std::move(gradients), context, [&](Tensors mean, const Tensor& last, const UpdateContext& inner) {
      inner_->apply(std::move(mean), inner,
                    [&](size_t i, const Tensor& value) { take(i, where(last, value, context.params[i])); });
    });
  }
  void visit_state(const StateVisitor& visit) override {
    sums_.visit(visit);
    inner_->visit_state([&](const std::string& name, StateCell& cell) { visit("inner." + name, cell); });
  }

 private:
  template <class F> void advance(Tensors gradients, const UpdateContext& context, F&& run) {
    const Tensor last = equal(remainder(context.step + 1, every_), 0), inner_step = floor_divide(context.step, every_);
    for (size_t i = 0; i < gradients.size(); ++i) {
      Tensor sum = sums_[i] + gradients[i];
      gradients[i] = use_mean_ ? sum / static_cast<double>(every_) : sum;
      sums_.set(i, where(last, zeros_like(sum), sum));
    }
    Tensors before;
    for (const Ref<StateCell>& cell : inner_cells_) before.push_back(cell->value());
    run(std::move(gradients), last, UpdateContext{context.paths, context.params, inner_step});
    for (size_t i = 0; i < inner_cells_.size(); ++i)
      inner_cells_[i]->set_value(where(last, inner_cells_[i]->value(), before[i]));
  }

  TransformPtr inner_;
  int64_t every_;
  bool use_mean_;
  Slots sums_;
  std::vector<Ref<StateCell>> inner_cells_;
};

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

void Transform::apply(Tensors gradients, const UpdateContext& context, const TakeParam& take) {
  Tensors updates = update(std::move(gradients), context);
  for (size_t i = 0; i < updates.size(); ++i) take(i, cast(context.params[i] + updates[i], context.params[i].dtype()));
}

ParamMask kernels_only() {
  return [](const std::string& path, const Tensor& param) { return ends_with(path, "kernel") && param.rank() >= 2; };
}

TransformPtr scale(double factor) {
  // As a learning rate, which is negated.
  return fusible([factor](FusedUpdate& fused, std::vector<Slots>&) { return fused.scale(-factor); });
}

TransformPtr scale_by_learning_rate(Schedule rate) {
  return fusible([rate = std::move(rate)](FusedUpdate& fused, std::vector<Slots>&) { return fused.scale(rate); });
}

TransformPtr clip_by_global_norm(double max_norm) {
  if (!(max_norm > 0))
    throw ValueError("clip_by_global_norm: expected a positive norm, got " + std::to_string(max_norm));
  return fusible([max_norm](FusedUpdate& fused, std::vector<Slots>&) { return fused.clip(max_norm); });
}

TransformPtr clip_elements(double max_delta) { return std::make_shared<ClipElements>(max_delta); }

TransformPtr add_decayed_weights(double weight_decay, ParamMask mask) {
  return fusible([weight_decay, mask = std::move(mask)](FusedUpdate& fused, std::vector<Slots>&) {
    return fused.decay(weight_decay, mask);
  });
}

TransformPtr trace(double decay, bool nesterov) {
  return fusible([=](FusedUpdate& fused, std::vector<Slots>& states) { return fused.trace(decay, nesterov, states); },
                 {Slots("trace")});
}

TransformPtr gradient_ema(double decay, bool debias) {
  return fusible(
      [=](FusedUpdate& fused, std::vector<Slots>& states) {
        return fused.direct({.rule = op::UpdateRule::mean, .b1 = decay, .debias = debias}, states);
      },
      {Slots("ema")});
}

TransformPtr partition(std::vector<std::pair<std::string, TransformPtr>> transforms,
                       std::function<std::string(const std::string& path)> label) {
  return std::make_shared<Partition>(std::move(transforms), std::move(label));
}

TransformPtr multi_steps(TransformPtr inner, int64_t every, bool use_mean) {
  return std::make_shared<MultiSteps>(std::move(inner), every, use_mean);
}

TransformPtr masked(TransformPtr inner, ParamMask mask) {
  return std::make_shared<Masked>(std::move(inner), std::move(mask));
}

}  // namespace weft
