#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include <weft/layers/for_each_macro.hpp>
#include <weft/layers/scope.hpp>
#include <weft/layers/visitor.hpp>

/// Makes a plain struct a module: `WEFT_MODULE(Fusion, embed, attend, norm)` inside it lists every data member, in the
/// order of their declaration. Members may be Variables, modules, std::vector, std::array, std::optional, std::map and
/// std::unique_ptr of these, and plain hyper-parameters. A module moves, and copies only through clone(). A member that
/// is not listed does not compile, unless it fits into padding.
#define WEFT_MODULE(Type, ...)                                                                                \
  friend struct ::weft::ModuleAccess;                                                                         \
  Type(::weft::Cloner& weft_cloner, [[maybe_unused]] const Type& weft_other) __VA_OPT__(                      \
      : WEFT_CLONE_MEMBERS(__VA_ARGS__)) {                                                                    \
    static_cast<void>(weft_cloner);                                                                           \
  }                                                                                                           \
  static const ::weft::ModuleInfo& weft_module_info() {                                                       \
    static const ::weft::ModuleInfo info{#Type, sizeof(Type), &::weft::ModuleAccess::walk_erased<Type>};      \
    return info;                                                                                              \
  }                                                                                                           \
  void weft_walk_members([[maybe_unused]] ::weft::Visitor& weft_visitor) {                                    \
    static_assert(::weft::layout_accounts_for<Type WEFT_FOR_EACH(WEFT_MEMBER_TYPE, __VA_ARGS__)>(),           \
                  "WEFT_MODULE must list every data member of " #Type ", in the order of their declaration"); \
    WEFT_FOR_EACH(WEFT_VISIT_MEMBER, __VA_ARGS__)                                                             \
  }

#define WEFT_MEMBER_TYPE(member) , decltype(member)
#define WEFT_VISIT_MEMBER(member) ::weft::visit_member(weft_visitor, ::weft::MemberName{#member}, member);
#define WEFT_CLONE_MEMBERS(first, ...) WEFT_CLONE_MEMBER(first) WEFT_FOR_EACH(WEFT_CLONE_NEXT_MEMBER, __VA_ARGS__)
#define WEFT_CLONE_NEXT_MEMBER(member) , WEFT_CLONE_MEMBER(member)
#define WEFT_CLONE_MEMBER(member) member(::weft::clone_member(weft_cloner, weft_other.member))

namespace weft {

/// Copies Variables, keeping inner ties: two Variables on one cell become two on one new cell.
class Cloner {
 public:
  /// Without data the copies are shapes, for GraphDef.
  explicit Cloner(bool with_data = true) : with_data_(with_data) {}
  Ref<VariableCell> copy(const Ref<VariableCell>& cell);

 private:
  bool with_data_;
  std::unordered_map<const VariableCell*, Ref<VariableCell>> copies_;
};

template <class T>
concept VariableType = std::derived_from<T, Variable>;

namespace detail {
template <class T> struct Contained { using type = void; };
template <class T, class A> struct Contained<std::vector<T, A>> { using type = T; };
template <class T, size_t N> struct Contained<std::array<T, N>> { using type = T; };
template <class T> struct Contained<std::optional<T>> { using type = T; };
template <class T, class D> struct Contained<std::unique_ptr<T, D>> { using type = T; };
template <class K, class T, class C, class A> struct Contained<std::map<K, T, C, A>> { using type = T; };
template <class T> using contained = typename Contained<T>::type;

template <class T> constexpr bool holds_state() {
  if constexpr (VariableType<T> || Module<T>) return true;
  else if constexpr (!std::is_void_v<contained<T>>) return holds_state<contained<T>>();
  else return false;
}

/// `0.001`, `1e-06`.
std::string number_text(double value);

template <class T> std::string attribute_text(const void* data) {
  const T& value = *static_cast<const T*>(data);
  if constexpr (std::is_same_v<T, bool>) return value ? "true" : "false";
  else if constexpr (std::is_same_v<T, DType>) return std::string(name_of(value));
  else if constexpr (std::is_enum_v<T>) return std::to_string(static_cast<int64_t>(value));
  else if constexpr (std::is_integral_v<T>) return std::to_string(value);
  else if constexpr (std::is_floating_point_v<T>) return number_text(static_cast<double>(value));
  else if constexpr (std::is_same_v<T, std::string>) return value;
  else return to_string(value);
}
template <class T>
constexpr bool has_text =
    std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, std::string> || std::is_same_v<T, Shape>;

inline MemberName key_name(const std::string& key) { return {key}; }
inline MemberName key_name(int64_t key) { return {{}, key}; }
}  // namespace detail

template <class T> void visit_member(Visitor& visitor, const MemberName& name, T& member) {
  static_assert(!std::is_reference_v<T> && !std::is_pointer_v<T>,
                "a module owns its members: hold a value, a std::unique_ptr, or share() a Variable");
  if constexpr (VariableType<T>) {
    visitor.variable(name, member);
  } else if constexpr (Module<T>) {
    ModuleRef module = module_ref(member);
    if constexpr (requires { member.weft_inner_module(); }) module = member.weft_inner_module();
    if (visitor.enter(name, module)) module.walk(visitor);
    visitor.leave();
  } else if constexpr (!detail::holds_state<T>()) {
    std::string (*text)(const void*) = nullptr;
    if constexpr (detail::has_text<T>) text = &detail::attribute_text<T>;
    visitor.attribute(name, {const_cast<std::remove_const_t<T>*>(&member), &typeid(T), text});
  } else if constexpr (requires { typename T::mapped_type; }) {
    visitor.open(name, member.size());
    for (auto& [key, value] : member) visit_member(visitor, detail::key_name(key), value);
    visitor.close();
  } else if constexpr (requires { member.begin(); }) {
    visitor.open(name, member.size());
    int64_t index = 0;
    for (auto& element : member) visit_member(visitor, MemberName{{}, index++}, element);
    visitor.close();
  } else if (member) {  // optional, unique_ptr
    visit_member(visitor, name, *member);
  }
}

template <class T> T clone_member(Cloner& cloner, const T& member) {
  if constexpr (VariableType<T>) {
    T copy;
    copy.rebind(cloner.copy(member.cell()));
    return copy;
  } else if constexpr (Module<T>) {
    return ModuleAccess::clone(cloner, member);
  } else if constexpr (!detail::holds_state<T>()) {
    return member;
  } else if constexpr (requires { typename T::mapped_type; }) {
    T copy;
    for (const auto& [key, value] : member) copy.emplace(key, clone_member(cloner, value));
    return copy;
  } else if constexpr (requires(T & target) { target.reserve(size_t{1}); }) {
    T copy;
    copy.reserve(member.size());
    for (const auto& element : member) copy.push_back(clone_member(cloner, element));
    return copy;
  } else if constexpr (requires { member.begin(); }) {
    return [&]<size_t... I>(std::index_sequence<I...>) { return T{clone_member(cloner, member[I])...}; }
    (std::make_index_sequence<std::tuple_size_v<T>>());
  } else if constexpr (requires { member.has_value(); }) {
    return member ? T(clone_member(cloner, *member)) : T();
  } else {
    return member ? std::make_unique<typename T::element_type>(clone_member(cloner, *member)) : nullptr;
  }
}

/// Whether members of these types, laid out one after another, make up all of T.
template <class T, class... Members> constexpr bool layout_accounts_for() {
  size_t end = 0, alignment = 1;
  (
      [&] {
        end = (end + alignof(Members) - 1) / alignof(Members) * alignof(Members) + sizeof(Members);
        alignment = std::max(alignment, alignof(Members));
      }(),
      ...);
  end = (end + alignment - 1) / alignment * alignment;
  return sizeof(T) == std::max<size_t>(end, 1);
}

}  // namespace weft
