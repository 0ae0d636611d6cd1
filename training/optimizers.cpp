#include <weft/training/optimizers.hpp>

#include <weft/autograd/ops/adam_step.hpp>
#include <weft/autograd/ops/binary.hpp>
#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/ops/unary.hpp>
#include <weft/training/slots.hpp>

namespace weft {
namespace {

class ScaleByAdam final : public Transform {
 public:
  explicit ScaleByAdam(op::AdamStep op) : op_(op), mean_("mu"), square_("nu") {}
  void init(const std::vector<std::string>& paths, const Tensors& params) override {
    mean_.init(paths, params);
    square_.init(paths, params);
  }
  Tensors update(Tensors gradients, const UpdateContext& context) override {
    Tensor correction1 = bias_correction(op_.b1, context.step), correction2 = bias_correction(op_.b2, context.step);
    for (size_t i = 0; i < gradients.size(); ++i) {
      DType dtype = gradients[i].dtype();
      Tensors results =
          apply_all(op_, {gradients[i], mean_[i], square_[i], cast(correction1, dtype), cast(correction2, dtype)});
      gradients[i] = results[0];
      mean_[i] = results[1];
      square_[i] = results[2];
    }
    return gradients;
  }
  void visit_state(const StateVisitor& visit) override {
    mean_.visit(visit);
    square_.visit(visit);
  }

 private:
  op::AdamStep op_;
  Slots mean_, square_;
};

class ScaleByLion final : public Transform {
 public:
  ScaleByLion(double b1, double b2) : b1_(b1), b2_(b2), mean_("mu") {}
  void init(const std::vector<std::string>& paths, const Tensors& params) override { mean_.init(paths, params); }
  Tensors update(Tensors gradients, const UpdateContext&) override {
    for (size_t i = 0; i < gradients.size(); ++i) {
      Tensor g = gradients[i];
      gradients[i] = sign(b1_ * mean_[i] + (1 - b1_) * g);
      mean_[i] = b2_ * mean_[i] + (1 - b2_) * g;
    }
    return gradients;
  }
  void visit_state(const StateVisitor& visit) override { mean_.visit(visit); }

 private:
  double b1_, b2_;
  Slots mean_;
};

class ScaleByRms final : public Transform {
 public:
  explicit ScaleByRms(const RmspropOptions& o) : o_(o), square_("nu"), mean_("mu") {}
  void init(const std::vector<std::string>& paths, const Tensors& params) override {
    square_.init(paths, params, o_.initial_scale);
    if (o_.centered) mean_.init(paths, params);
  }
  Tensors update(Tensors gradients, const UpdateContext&) override {
    for (size_t i = 0; i < gradients.size(); ++i) {
      Tensor g = gradients[i];
      square_[i] = o_.decay * square_[i] + (1 - o_.decay) * square(g);
      Tensor under_root = square_[i];
      if (o_.centered) {
        mean_[i] = o_.decay * mean_[i] + (1 - o_.decay) * g;
        under_root = under_root - square(mean_[i]);
      }
      gradients[i] = o_.eps_in_sqrt ? g / sqrt(under_root + o_.eps) : g / (sqrt(under_root) + o_.eps);
    }
    return gradients;
  }
  void visit_state(const StateVisitor& visit) override {
    square_.visit(visit);
    if (o_.centered) mean_.visit(visit);
  }

 private:
  RmspropOptions o_;
  Slots square_, mean_;
};

class ScaleByAdagrad final : public Transform {
 public:
  ScaleByAdagrad(double initial, double eps) : initial_(initial), eps_(eps), sum_("sum_of_squares") {}
  void init(const std::vector<std::string>& paths, const Tensors& params) override {
    sum_.init(paths, params, initial_);
  }
  Tensors update(Tensors gradients, const UpdateContext&) override {
    for (size_t i = 0; i < gradients.size(); ++i) {
      sum_[i] = sum_[i] + square(gradients[i]);
      gradients[i] = gradients[i] / sqrt(sum_[i] + eps_);
    }
    return gradients;
  }
  void visit_state(const StateVisitor& visit) override { sum_.visit(visit); }

 private:
  double initial_, eps_;
  Slots sum_;
};

}  // namespace

TransformPtr scale_by_adam(double b1, double b2, double eps, double eps_root) {
  return std::make_shared<ScaleByAdam>(op::AdamStep{b1, b2, eps, eps_root});
}

TransformPtr sgd(SgdOptions o) {
  TransformPtr rate = scale_by_learning_rate(o.learning_rate);
  return o.momentum == 0 ? rate : chain(trace(o.momentum, o.nesterov), rate);
}

TransformPtr adam(AdamOptions o) {
  return chain(scale_by_adam(o.b1, o.b2, o.eps, o.eps_root), scale_by_learning_rate(o.learning_rate));
}

TransformPtr adamw(AdamWOptions o) {
  return chain(scale_by_adam(o.b1, o.b2, o.eps, o.eps_root), add_decayed_weights(o.weight_decay, o.mask),
               scale_by_learning_rate(o.learning_rate));
}

TransformPtr lion(LionOptions o) {
  return chain(TransformPtr(std::make_shared<ScaleByLion>(o.b1, o.b2)), add_decayed_weights(o.weight_decay, o.mask),
               scale_by_learning_rate(o.learning_rate));
}

TransformPtr rmsprop(RmspropOptions o) {
  std::vector<TransformPtr> stages{std::make_shared<ScaleByRms>(o), scale_by_learning_rate(o.learning_rate)};
  if (o.momentum != 0) stages.push_back(trace(o.momentum, o.nesterov));
  return chain(std::move(stages));
}

TransformPtr adagrad(AdagradOptions o) {
  return chain(TransformPtr(std::make_shared<ScaleByAdagrad>(o.initial_accumulator_value, o.eps)),
               scale_by_learning_rate(o.learning_rate));
}

}  // namespace weft
