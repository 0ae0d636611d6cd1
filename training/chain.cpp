#include <weft/training/fused_update.hpp>
#include <weft/training/transform.hpp>

namespace weft {
namespace {

class Chain final : public Transform {
 public:
  explicit Chain(std::vector<TransformPtr> stages) : stages_(std::move(stages)) {}

  void init(const std::vector<std::string>& paths, const Tensors& params) override {
    for (const TransformPtr& stage : stages_) stage->init(paths, params);
    std::vector<Transform*> stages;
    list_stages(stages);
    links_.clear();
    for (Transform* stage : stages) {
      if (!links_.empty() && links_.back().fused && stage->join(*links_.back().fused)) continue;
      auto fused = std::make_unique<FusedUpdate>();
      if (stage->join(*fused)) links_.push_back({nullptr, std::move(fused)});
      else links_.push_back({stage, nullptr});
    }
    for (Link& link : links_)
      if (link.fused) link.fused->init(paths, params);
  }
  Tensors update(Tensors gradients, const UpdateContext& context) override {
    for (Link& link : links_) gradients = link.update(std::move(gradients), context);
    return gradients;
  }
  void apply(Tensors gradients, const UpdateContext& context, const TakeParam& take) override {
    if (links_.empty()) return Transform::apply(std::move(gradients), context, take);
    for (size_t i = 0; i + 1 < links_.size(); ++i) gradients = links_[i].update(std::move(gradients), context);
    Link& last = links_.back();
    if (last.fused) last.fused->apply(std::move(gradients), context, take);
    else last.plain->apply(std::move(gradients), context, take);
  }
  void visit_state(const StateVisitor& visit) override {
    for (size_t i = 0; i < stages_.size(); ++i)
      stages_[i]->visit_state(
          [&](const std::string& name, StateCell& cell) { visit(std::to_string(i) + "." + name, cell); });
  }
  void list_stages(std::vector<Transform*>& stages) override {
    for (const TransformPtr& stage : stages_) stage->list_stages(stages);
  }

 private:
  /// One stage, or several as one.
  struct Link {
    Transform* plain;
    std::unique_ptr<FusedUpdate> fused;

    Tensors update(Tensors gradients, const UpdateContext& context) {
      return fused ? fused->update(std::move(gradients), context) : plain->update(std::move(gradients), context);
    }
  };

  std::vector<TransformPtr> stages_;
  std::vector<Link> links_;
};

}  // namespace

TransformPtr chain(std::vector<TransformPtr> stages) { return std::make_shared<Chain>(std::move(stages)); }

}  // namespace weft
