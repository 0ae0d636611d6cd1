#include <weft/training/transform.hpp>

#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/create.hpp>
#include <weft/autograd/ops/reduce.hpp>
#include <weft/autograd/ops/select.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/core/error.hpp>
#include <weft/training/slots.hpp>

namespace weft {
namespace {

/// A stage without state that treats every parameter by itself.
class Stateless : public Transform {
 public:
  using Function = std::function<Tensor(const Tensor& gradient, const UpdateContext& context, size_t i)>;
  explicit Stateless(Function function) : function_(std::move(function)) {}
  Tensors update(Tensors gradients, const UpdateContext& context) override {
    for (size_t i = 0; i < gradients.size(); ++i) gradients[i] = function_(gradients[i], context, i);
    return gradients;
  }

 private:
  Function function_;
};

TransformPtr stateless(Stateless::Function function) { return std::make_shared<Stateless>(std::move(function)); }

class Chain final : public Transform {
 public:
  explicit Chain(std::vector<TransformPtr> stages) : stages_(std::move(stages)) {}
  void init(const std::vector<std::string>& paths, const Tensors& params) override {
    for (const TransformPtr& stage : stages_) stage->init(paths, params);
  }
  Tensors update(Tensors gradients, const UpdateContext& context) override {
    for (const TransformPtr& stage : stages_) gradients = stage->update(std::move(gradients), context);
    return gradients;
  }
  void visit_state(const StateVisitor& visit) override {
    for (size_t i = 0; i < stages_.size(); ++i)
      stages_[i]->visit_state(
          [&](const std::string& name, Tensor& value) { visit(std::to_string(i) + "." + name, value); });
  }

 private:
  std::vector<TransformPtr> stages_;
};

class ScaleByLearningRate final : public Transform {
 public:
  explicit ScaleByLearningRate(Schedule rate) : rate_(std::move(rate)) {}
  Tensors update(Tensors gradients, const UpdateContext& context) override {
    Tensor factor = negative(rate_(context.step));
    for (Tensor& gradient : gradients) gradient = gradient * cast(factor, gradient.dtype());
    return gradients;
  }

 private:
  Schedule rate_;
};

class ClipByGlobalNorm final : public Transform {
 public:
  explicit ClipByGlobalNorm(double max_norm) : max_norm_(max_norm) {
    if (!(max_norm > 0))
      throw ValueError("clip_by_global_norm: expected a positive norm, got " + std::to_string(max_norm));
  }
  Tensors update(Tensors gradients, const UpdateContext&) override {
    if (gradients.empty()) return gradients;
    Tensor norm = global_norm(gradients);
    Tensor factor = where(norm < max_norm_, ones_like(norm), max_norm_ / norm);
    for (Tensor& gradient : gradients) gradient = gradient * cast(factor, gradient.dtype());
    return gradients;
  }

 private:
  double max_norm_;
};

class Trace final : public Transform {
 public:
  Trace(double decay, bool nesterov) : decay_(decay), nesterov_(nesterov), trace_("trace") {}
  void init(const std::vector<std::string>& paths, const Tensors& params) override { trace_.init(paths, params); }
  Tensors update(Tensors gradients, const UpdateContext&) override {
    for (size_t i = 0; i < gradients.size(); ++i) {
      trace_[i] = gradients[i] + decay_ * trace_[i];
      gradients[i] = nesterov_ ? gradients[i] + decay_ * trace_[i] : trace_[i];
    }
    return gradients;
  }
  void visit_state(const StateVisitor& visit) override { trace_.visit(visit); }

 private:
  double decay_;
  bool nesterov_;
  Slots trace_;
};

class GradientEma final : public Transform {
 public:
  GradientEma(double decay, bool debias) : decay_(decay), debias_(debias), mean_("ema") {}
  void init(const std::vector<std::string>& paths, const Tensors& params) override { mean_.init(paths, params); }
  Tensors update(Tensors gradients, const UpdateContext& context) override {
    Tensor correction = bias_correction(decay_, context.step);
    for (size_t i = 0; i < gradients.size(); ++i) {
      mean_[i] = decay_ * mean_[i] + (1 - decay_) * gradients[i];
      gradients[i] = debias_ ? mean_[i] / cast(correction, gradients[i].dtype()) : mean_[i];
    }
    return gradients;
  }
  void visit_state(const StateVisitor& visit) override { mean_.visit(visit); }

 private:
  double decay_;
  bool debias_;
  Slots mean_;
};

/// Runs `inner` on some of the parameters.
class Subset final : public Transform {
 public:
  Subset(TransformPtr inner, ParamMask chosen) : inner_(std::move(inner)), chosen_(std::move(chosen)) {}
  void init(const std::vector<std::string>& paths, const Tensors& params) override {
    places_.clear();
    paths_.clear();
    Tensors mine;
    for (size_t i = 0; i < paths.size(); ++i)
      if (chosen_(paths[i], params[i])) {
        places_.push_back(i);
        paths_.push_back(paths[i]);
        mine.push_back(params[i]);
      }
    inner_->init(paths_, mine);
  }
  Tensors update(Tensors gradients, const UpdateContext& context) override {
    Tensors mine, params;
    for (size_t place : places_) {
      mine.push_back(gradients[place]);
      params.push_back(context.params[place]);
    }
    mine = inner_->update(std::move(mine), {paths_, params, context.step});
    for (size_t i = 0; i < places_.size(); ++i) gradients[places_[i]] = mine[i];
    return gradients;
  }
  void visit_state(const StateVisitor& visit) override { inner_->visit_state(visit); }
  const std::vector<size_t>& places() const { return places_; }

 private:
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
  void visit_state(const StateVisitor& visit) override {
    for (auto& part : parts_)
      part.second->visit_state([&](const std::string& name, Tensor& value) { visit(part.first + "." + name, value); });
  }

 private:
  std::function<std::string(const std::string&)> label_;
  std::vector<std::pair<std::string, TransformPtr>> parts_;
};

class MultiSteps final : public Transform {
 public:
  MultiSteps(TransformPtr inner, int64_t every, bool use_mean)
      : inner_(std::move(inner)), every_(every), use_mean_(use_mean), sums_("accumulated") {
    if (every < 1) throw ValueError("multi_steps: expected at least 1 step, got " + std::to_string(every));
  }
  void init(const std::vector<std::string>& paths, const Tensors& params) override {
    sums_.init(paths, params);
    inner_->init(paths, params);
  }
  Tensors update(Tensors gradients, const UpdateContext& context) override {
    auto step = context.step.item<int64_t>();
    for (size_t i = 0; i < gradients.size(); ++i) sums_[i] = sums_[i] + gradients[i];
    if ((step + 1) % every_ != 0) {
      for (size_t i = 0; i < gradients.size(); ++i) gradients[i] = zeros_like(context.params[i]);
      return gradients;
    }
    for (size_t i = 0; i < gradients.size(); ++i) {
      gradients[i] = use_mean_ ? sums_[i] / static_cast<double>(every_) : sums_[i];
      sums_[i] = zeros_like(sums_[i]);
    }
    Tensor inner_step(step / every_);
    return inner_->update(std::move(gradients), {context.paths, context.params, inner_step});
  }
  void visit_state(const StateVisitor& visit) override {
    sums_.visit(visit);
    inner_->visit_state([&](const std::string& name, Tensor& value) { visit("inner." + name, value); });
  }

 private:
  TransformPtr inner_;
  int64_t every_;
  bool use_mean_;
  Slots sums_;
};

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

Tensor global_norm(const Tensors& tensors) {
  Tensor total(0.0);
  for (const Tensor& tensor : tensors) total = total + cast(sum(square(tensor)), DType::float64);
  return sqrt(total);
}

Tensor bias_correction(double decay, const Tensor& step) {
  return 1.0 - power(Tensor(decay), cast(step, DType::float64) + 1.0);
}

void Slots::init(const std::vector<std::string>& paths, const Tensors& params, double value) {
  paths_ = paths;
  values_.clear();
  for (const Tensor& param : params) values_.push_back(full(param.shape(), value, param.dtype(), param.device()));
}

void Slots::visit(const Transform::StateVisitor& visit) {
  for (size_t i = 0; i < values_.size(); ++i) visit(name_ + "." + paths_[i], values_[i]);
}

ParamMask kernels_only() {
  return [](const std::string& path, const Tensor& param) { return ends_with(path, "kernel") && param.rank() >= 2; };
}

TransformPtr chain(std::vector<TransformPtr> stages) { return std::make_shared<Chain>(std::move(stages)); }

TransformPtr scale(double factor) {
  return stateless([factor](const Tensor& g, const UpdateContext&, size_t) { return g * factor; });
}

TransformPtr scale_by_learning_rate(Schedule rate) { return std::make_shared<ScaleByLearningRate>(std::move(rate)); }

TransformPtr clip_by_global_norm(double max_norm) { return std::make_shared<ClipByGlobalNorm>(max_norm); }

TransformPtr clip_elements(double max_delta) {
  return stateless(
      [max_delta](const Tensor& g, const UpdateContext&, size_t) { return clip(g, -max_delta, max_delta); });
}

TransformPtr add_decayed_weights(double weight_decay, ParamMask mask) {
  return stateless([weight_decay, mask = std::move(mask)](const Tensor& g, const UpdateContext& context, size_t i) {
    if (weight_decay == 0 || (mask && !mask(context.paths[i], context.params[i]))) return g;
    return g + weight_decay * context.params[i];
  });
}

TransformPtr trace(double decay, bool nesterov) { return std::make_shared<Trace>(decay, nesterov); }

TransformPtr gradient_ema(double decay, bool debias) { return std::make_shared<GradientEma>(decay, debias); }

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
