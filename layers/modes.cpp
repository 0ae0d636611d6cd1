#include <weft/layers/modes.hpp>

#include <weft/core/error.hpp>
#include <weft/layers/filter.hpp>

namespace weft {
namespace {

std::string to_text(const AttributeValue& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const int64_t* whole = std::get_if<int64_t>(&value)) return std::to_string(*whole);
  if (const double* number = std::get_if<double>(&value)) return std::to_string(*number);
  return '"' + std::get<std::string>(value) + '"';
}

template <class T> bool assign_number(const Attribute& attribute, const AttributeValue& value) {
  T* target = attribute.as<T>();
  if (!target) return false;
  if (const int64_t* whole = std::get_if<int64_t>(&value)) {
    *target = static_cast<T>(*whole);
    return static_cast<int64_t>(*target) == *whole;
  }
  if (const double* number = std::get_if<double>(&value)) {
    *target = static_cast<T>(*number);
    return std::is_floating_point_v<T> || static_cast<double>(*target) == *number;
  }
  return false;
}

bool assign(const Attribute& attribute, const AttributeValue& value) {
  if (bool* flag = attribute.as<bool>()) {
    const bool* given = std::get_if<bool>(&value);
    if (given) *flag = *given;
    return given != nullptr;
  }
  if (std::string* text = attribute.as<std::string>()) {
    const std::string* given = std::get_if<std::string>(&value);
    if (given) *text = *given;
    return given != nullptr;
  }
  return assign_number<int>(attribute, value) || assign_number<int64_t>(attribute, value) ||
         assign_number<float>(attribute, value) || assign_number<double>(attribute, value);
}

class SetVisitor final : public PathVisitor {
 public:
  SetVisitor(const std::map<std::string, AttributeValue>& values, const std::string& path)
      : values_(values), filter_(path_glob(path)) {}
  void on_variable(const std::string&, Variable&) override {}
  void on_attribute(const std::string& path, std::string_view name, const Attribute& attribute) override {
    auto found = values_.find(std::string(name));
    if (found == values_.end()) return;
    std::string_view owner(path);
    owner = owner.size() > name.size() ? owner.substr(0, owner.size() - name.size() - 1) : std::string_view();
    if (!filter_({owner, nullptr, nullptr})) return;
    if (!assign(attribute, found->second))
      throw ValueError("set_attributes: " + path + " does not take the value " + to_text(found->second));
    ++set[found->first];
  }
  std::map<std::string, int> set;

 private:
  const std::map<std::string, AttributeValue>& values_;
  Filter filter_;
};

int set_where_present(const ModuleRef& model, const std::map<std::string, AttributeValue>& values,
                      const std::string& path, bool required) {
  SetVisitor visitor(values, path);
  model.walk(visitor);
  int total = 0;
  for (const auto& [name, value] : values) {
    if (required && visitor.set[name] == 0)
      throw ValueError("set_attributes: expected a module of " + std::string(model.info->name) + " at `" + path +
                       "` with a member `" + name + "`, got none");
    total += visitor.set[name];
  }
  bump_structure_epoch();
  return total;
}

}  // namespace

int set_attributes(const ModuleRef& model, const std::map<std::string, AttributeValue>& values,
                   const std::string& path) {
  return set_where_present(model, values, path, true);
}

void train(const ModuleRef& model) {
  set_where_present(model, {{"deterministic", false}, {"use_running_average", false}}, "**", false);
}

void eval(const ModuleRef& model) {
  set_where_present(model, {{"deterministic", true}, {"use_running_average", true}}, "**", false);
}

}  // namespace weft
