#pragma once

#include <optional>
#include <vector>

#include <weft/autograd/ops/optimizer_update.hpp>
#include <weft/training/transform.hpp>

namespace weft {

/// Several stages as one op::OptimizerUpdate. Stages offer themselves in their order; each function gives false when
/// that stage cannot come after those that are in already.
class FusedUpdate {
 public:
  bool clip(double max_norm);
  bool decay(double weight_decay, const ParamMask& mask);
  /// `states` are as many as the direction's rule has; they stay the caller's.
  bool direct(const op::Direction& direction, std::vector<Slots>& states);
  bool scale(const Schedule& rate);
  /// A trace; after the learning rate too.
  bool trace(double momentum, bool nesterov, std::vector<Slots>& states);

  /// To be called when all stages are in.
  void init(const std::vector<std::string>& paths, const Tensors& params);
  Tensors update(Tensors gradients, const UpdateContext& context);
  void apply(Tensors gradients, const UpdateContext& context, const Transform::TakeParam& take);

 private:
  /// Calls take(i, result) for each parameter: its new value with `adds`, or else its update.
  template <class Take> void run(Tensors gradients, const UpdateContext& context, bool adds, Take&& take);
  enum class Part { none, clip, early_decay, direction, decay, scale, trace };
  bool enter(Part part);

  /// Parameters [begin, end), which one op does: all of them, unless they are large.
  struct Group {
    size_t begin, end;
    op::OptimizerUpdate op;
  };

  Part last_ = Part::none;
  op::OptimizerUpdate op_;
  std::vector<Group> groups_;
  ParamMask early_mask_, mask_;
  std::optional<Schedule> rate_;
  std::vector<Slots*> states_;
};

/// A stage that fuses: what it is, is what it offers.
class FusibleStage final : public Transform {
 public:
  using Join = std::function<bool(FusedUpdate& fused, std::vector<Slots>& states)>;
  explicit FusibleStage(Join join, std::vector<Slots> states = {})
      : join_(std::move(join)), states_(std::move(states)) {}

  void init(const std::vector<std::string>& paths, const Tensors& params) override;
  Tensors update(Tensors gradients, const UpdateContext& context) override {
    return alone_.update(std::move(gradients), context);
  }
  void apply(Tensors gradients, const UpdateContext& context, const TakeParam& take) override {
    alone_.apply(std::move(gradients), context, take);
  }
  void visit_state(const StateVisitor& visit) override;
  bool join(FusedUpdate& fused) override { return join_(fused, states_); }

 private:
  Join join_;
  std::vector<Slots> states_;
  FusedUpdate alone_;
};

}  // namespace weft
