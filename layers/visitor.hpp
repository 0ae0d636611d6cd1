#pragma once

#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include <weft/layers/variable.hpp>

namespace weft {

class Visitor;

/// What the object model knows of a module's type.
struct ModuleInfo {
  std::string_view name;
  size_t size;
  void (*walk)(void* module, Visitor& visitor);
};

/// A module of whatever type.
struct ModuleRef {
  void* object = nullptr;
  const ModuleInfo* info = nullptr;

  void walk(Visitor& visitor) const { info->walk(object, visitor); }
  friend bool operator==(const ModuleRef&, const ModuleRef&) = default;
};

/// A member's name, or its place in a container.
struct MemberName {
  std::string_view text;
  int64_t index = -1;

  void append_to(std::string& path) const;
};

/// A plain hyper-parameter.
struct Attribute {
  void* data = nullptr;
  const std::type_info* type = nullptr;
  std::string (*text)(const void* data) = nullptr;  ///< null for types that have none

  template <class T> T* as() const { return *type == typeid(T) ? static_cast<T*>(data) : nullptr; }
};

/// Is shown a module's members in the order of their declaration.
class Visitor {
 public:
  virtual ~Visitor() = default;
  /// Empty Variables are shown too.
  virtual void variable(const MemberName& name, Variable& variable) = 0;
  /// A module; its members follow when true is returned. leave() follows in any case.
  virtual bool enter(const MemberName& name, const ModuleRef& module);
  virtual void leave() {}
  /// A container of modules or Variables: its elements follow.
  virtual void open(const MemberName& name, size_t count);
  virtual void close() {}
  virtual void attribute(const MemberName& name, const Attribute& attribute);
};

class Cloner;

/// The door that WEFT_MODULE opens; it works in a class's private section too.
struct ModuleAccess {
  template <class T> static constexpr bool is_module = requires(T& module, Visitor& visitor) {
    module.weft_walk_members(visitor);
  };
  template <class T> static const ModuleInfo& info() { return T::weft_module_info(); }
  template <class T> static void walk_erased(void* module, Visitor& visitor) {
    static_cast<T*>(module)->weft_walk_members(visitor);
  }
  template <class T> static T clone(Cloner& cloner, const T& module) { return T(cloner, module); }
};

template <class T>
concept Module = ModuleAccess::is_module<T>;

template <Module T> ModuleRef module_ref(const T& module) {
  return {const_cast<T*>(&module), &ModuleAccess::info<T>()};
}

/// A visitor that knows the dotted path of what it is shown.
class PathVisitor : public Visitor {
 public:
  explicit PathVisitor(std::string prefix = {}) : path_(std::move(prefix)) {}
  void variable(const MemberName& name, Variable& variable) final;
  bool enter(const MemberName& name, const ModuleRef& module) final;
  void leave() final;
  void open(const MemberName& name, size_t count) final;
  void close() final { pop(); }
  void attribute(const MemberName& name, const Attribute& attribute) final;

 protected:
  virtual void on_variable(const std::string& path, Variable& variable) = 0;
  virtual bool on_module(const std::string& path, const ModuleRef& module);
  virtual void on_leave(const std::string& path);
  virtual void on_attribute(const std::string& path, const std::string_view name, const Attribute& attribute);

 private:
  void push(const MemberName& name);
  void pop();
  std::string path_;
  std::vector<size_t> lengths_;
};

}  // namespace weft
