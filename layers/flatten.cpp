#include <weft/layers/flatten.hpp>

#include <algorithm>
#include <functional>
#include <unordered_map>

namespace weft {
namespace {

constexpr size_t models_kept = 32, selections_kept = 8;

/// Says what a walk meets: cells, whether they have a shape, and the containers' extents and keys.
class TokenVisitor final : public Visitor {
 public:
  explicit TokenVisitor(std::vector<size_t>& tokens) : tokens_(tokens) {}
  void variable(const MemberName& name, Variable& variable) override {
    note(name);
    const VariableCell* cell = variable.cell().get();
    tokens_.push_back(std::hash<const void*>()(cell) + (cell && cell->has_shape() ? 1 : 0));
  }
  bool enter(const MemberName& name, const ModuleRef&) override {
    note(name);
    return true;
  }
  void open(const MemberName& name, size_t count) override {
    note(name);
    tokens_.push_back(count);
    ++depth_;
  }
  void close() override { --depth_; }

 private:
  /// Members' names are the type's; only a map's keys may change.
  void note(const MemberName& name) {
    if (depth_ > 0 && name.index < 0) tokens_.push_back(std::hash<std::string_view>()(name.text));
  }
  std::vector<size_t>& tokens_;
  int depth_ = 0;
};

class ListVisitor final : public PathVisitor {
 public:
  explicit ListVisitor(FlatModel& flat) : flat_(flat) {}
  void on_variable(const std::string& path, Variable& variable) override {
    if (!variable) return;
    auto [place, first] = places_.emplace(variable.cell().get(), flat_.cells.size());
    if (!first) {
      flat_.aliases.emplace_back(path, place->second);
      return;
    }
    flat_.paths.push_back(path);
    flat_.cells.push_back(variable.cell().get());
  }

 private:
  FlatModel& flat_;
  std::unordered_map<const VariableCell*, size_t> places_;
};

struct Kept {
  ModuleRef model;
  std::shared_ptr<const FlatModel> flat;
};

}  // namespace

const std::shared_ptr<const FlatModel>& flatten(const ModuleRef& model) {
  thread_local std::vector<Kept> kept;
  thread_local std::vector<size_t> tokens;
  tokens.clear();
  TokenVisitor walk(tokens);
  model.walk(walk);
  auto found = std::find_if(kept.begin(), kept.end(), [&](const Kept& entry) { return entry.model == model; });
  if (found != kept.end() && found->flat->tokens_ == tokens) return found->flat;

  auto flat = std::make_shared<FlatModel>();
  ListVisitor list(*flat);
  model.walk(list);
  flat->tokens_ = tokens;
  flat->sorted.assign(flat->cells.begin(), flat->cells.end());
  std::sort(flat->sorted.begin(), flat->sorted.end(), std::less<>());
  if (found == kept.end()) {
    if (kept.size() == models_kept) kept.erase(kept.begin());
    found = kept.insert(kept.end(), Kept{model, nullptr});
  }
  found->flat = std::move(flat);
  return found->flat;
}

std::shared_ptr<const Selection> FlatModel::select(const Filter& filter) const {
  for (const auto& [known, selection] : selections_)
    if (filter.identity() && known.identity() == filter.identity()) return selection;
  auto selection = std::make_shared<Selection>();
  auto layout = std::make_shared<StateLayout>();
  for (size_t i = 0; i < cells.size(); ++i) {
    if (!filter({paths[i], cells[i]->kind, cells[i]})) continue;
    layout->paths.push_back(paths[i]);
    layout->kinds.push_back(cells[i]->kind);
    selection->cells.push_back(cells[i]);
  }
  layout->sort();
  selection->layout = std::move(layout);
  if (!filter.identity()) return selection;
  if (selections_.size() == selections_kept) selections_.erase(selections_.begin());
  selections_.emplace_back(filter, selection);
  return selection;
}

std::vector<NamedCell> cells(const ModuleRef& model, const Filter& filter) {
  auto selection = flatten(model)->select(filter);
  std::vector<NamedCell> named;
  for (size_t i = 0; i < selection->cells.size(); ++i)
    named.push_back({selection->layout->paths[i], Ref<VariableCell>(selection->cells[i])});
  return named;
}

}  // namespace weft
