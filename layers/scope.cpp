#include <weft/layers/scope.hpp>

#include <utility>

namespace weft {
namespace {

thread_local const Scope* innermost = nullptr;
thread_local ScopeListener* listeners = nullptr;

/// Looks among a module's direct members only: the usual case, and no more than a few comparisons.
class DirectSearch final : public Visitor {
 public:
  explicit DirectSearch(const ModuleRef& wanted) : wanted_(wanted) {}
  void variable(const MemberName&, Variable&) override {}
  bool enter(const MemberName& name, const ModuleRef& module) override {
    if (found || !(module == wanted_)) return false;
    found = true;
    for (const MemberName& container : open_) container.append_to(path);
    name.append_to(path);
    return false;
  }
  void open(const MemberName& name, size_t) override { open_.push_back(name); }
  void close() override { open_.pop_back(); }

  bool found = false;
  std::string path;

 private:
  ModuleRef wanted_;
  std::vector<MemberName> open_;
};

class DeepSearch final : public PathVisitor {
 public:
  DeepSearch(const ModuleRef& module, const Variable* variable) : wanted_(module), variable_(variable) {}
  void on_variable(const std::string& at, Variable& variable) override {
    if (!found && &variable == variable_) found = true, path = at;
  }
  bool on_module(const std::string& at, const ModuleRef& module) override {
    if (!found && module == wanted_) found = true, path = at;
    return !found;
  }

  bool found = false;
  std::string path;

 private:
  ModuleRef wanted_;
  const Variable* variable_;
};

/// Finds `module` below `scope` or one around it, and its name there.
const Scope* find_parent(const Scope* scope, const ModuleRef& module, std::string& name) {
  if (!scope) return nullptr;
  DirectSearch direct(module);
  scope->module().walk(direct);
  if (direct.found) {
    name = std::move(direct.path);
    return scope;
  }
  for (; scope; scope = scope->outer()) {
    if (scope->module() == module) return scope;
    DeepSearch deep(module, nullptr);
    scope->module().walk(deep);
    if (deep.found) {
      name = std::move(deep.path);
      return scope;
    }
  }
  return nullptr;
}

}  // namespace

Scope::Scope(const ModuleRef& module)
    : module_(module), outer_(innermost), parent_(find_parent(innermost, module, name_)), error_(name_) {
  innermost = this;
  for (ScopeListener* listener = listeners; listener; listener = listener->outer_) listener->on_enter(*this);
}

Scope::~Scope() {
  for (ScopeListener* listener = listeners; listener; listener = listener->outer_) listener->on_leave(*this);
  innermost = outer_;
}

const Scope* Scope::current() { return innermost; }

std::string Scope::path() const {
  std::string path = parent_ ? parent_->path() : std::string();
  if (!path.empty() && !name_.empty()) path += '.';
  return path + name_;
}

ScopeListener::ScopeListener() : outer_(std::exchange(listeners, this)) {}
ScopeListener::~ScopeListener() { listeners = outer_; }

std::string variable_name(const Variable& variable) {
  for (const Scope* scope = innermost; scope; scope = scope->outer()) {
    DeepSearch search({}, &variable);
    scope->module().walk(search);
    if (search.found) return search.path;
  }
  return variable ? "a variable of kind " + std::string(variable.kind().name) : "an empty variable";
}

}  // namespace weft
