#pragma once

#include <string>

#include <weft/core/error.hpp>
#include <weft/layers/visitor.hpp>

namespace weft {

/// First line of a module's call operator: `Scope scope(*this);`. While it lives, errors, tables, sown values and hooks
/// on this thread know the module's path within the module whose scope is the outermost.
class Scope {
 public:
  template <Module T> explicit Scope(const T& module) : Scope(module_ref(module)) {}
  explicit Scope(const ModuleRef& module);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  /// The innermost one on this thread, or null.
  static const Scope* current();
  const ModuleRef& module() const { return module_; }
  const Scope* outer() const { return outer_; }
  /// `blocks.0.attend`; empty for the outermost module.
  std::string path() const;

 private:
  ModuleRef module_;
  const Scope* outer_;
  std::string name_;     // within parent_
  const Scope* parent_;  // the nearest one around that has this module as a member, at any depth
  ErrorScope error_;
};

/// Is told of the modules that run on this thread, shape-only runs included; listeners nest.
class ScopeListener {
 public:
  ScopeListener();
  virtual ~ScopeListener();
  ScopeListener(const ScopeListener&) = delete;
  ScopeListener& operator=(const ScopeListener&) = delete;
  virtual void on_enter(const Scope& scope) = 0;
  virtual void on_leave(const Scope& scope) = 0;

 private:
  friend class Scope;
  ScopeListener* outer_;
};

/// What the innermost scope's module calls this Variable: `kernel`, `query.kernel`; for messages.
std::string variable_name(const Variable& variable);

}  // namespace weft
