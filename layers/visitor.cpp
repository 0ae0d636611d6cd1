#include <weft/layers/visitor.hpp>

namespace weft {

void MemberName::append_to(std::string& path) const {
  if (!path.empty()) path += '.';
  if (index >= 0) path += std::to_string(index);
  else path += text;
}

bool Visitor::enter(const MemberName&, const ModuleRef&) { return true; }
void Visitor::open(const MemberName&, size_t) {}
void Visitor::attribute(const MemberName&, const Attribute&) {}

void PathVisitor::push(const MemberName& name) {
  lengths_.push_back(path_.size());
  name.append_to(path_);
}

void PathVisitor::pop() {
  path_.resize(lengths_.back());
  lengths_.pop_back();
}

void PathVisitor::variable(const MemberName& name, Variable& variable) {
  push(name);
  on_variable(path_, variable);
  pop();
}

bool PathVisitor::enter(const MemberName& name, const ModuleRef& module) {
  push(name);
  return on_module(path_, module);
}

void PathVisitor::leave() {
  on_leave(path_);
  pop();
}

void PathVisitor::open(const MemberName& name, size_t) { push(name); }

void PathVisitor::attribute(const MemberName& name, const Attribute& attribute) {
  push(name);
  on_attribute(path_, name.text, attribute);
  pop();
}

bool PathVisitor::on_module(const std::string&, const ModuleRef&) { return true; }
void PathVisitor::on_leave(const std::string&) {}
void PathVisitor::on_attribute(const std::string&, std::string_view, const Attribute&) {}

}  // namespace weft
