#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weft/layers/variable.hpp>

namespace weft {

/// What a Filter sees of a Variable.
struct VariableInfo {
  std::string_view path;
  const VariableKind* kind;
  const VariableCell* cell;  ///< null when the value comes from a State

  bool is(const VariableKind& other) const { return kind && kind->is(other); }
};

/// Chooses Variables: `of_type<Param>`, `path_glob("encoder.**")`, or any predicate on a VariableInfo.
class Filter {
 public:
  template <class F>
  requires std::is_invocable_r_v<bool, const F&, const VariableInfo&> Filter(F predicate)
      : predicate_(std::make_shared<const std::function<bool(const VariableInfo&)>>(std::move(predicate))) {
    if constexpr (std::is_empty_v<F>) identity_ = &type_identity<F>;
  }
  /// One that looks at nothing but the VariableInfo, so that what it chose may be kept.
  template <class F> static Filter pure(F predicate) {
    Filter filter(std::move(predicate));
    filter.identity_ = filter.predicate_.get();
    return filter;
  }

  bool operator()(const VariableInfo& variable) const { return (*predicate_)(variable); }
  /// Equal for filters that choose alike; null where a filter may choose differently from one call to the next.
  const void* identity() const { return identity_; }

 private:
  template <class F> static constexpr char type_identity = 0;
  std::shared_ptr<const std::function<bool(const VariableInfo&)>> predicate_;
  const void* identity_ = nullptr;
};

/// Variables of a kind, and of kinds that count as it.
template <class Kind> struct OfType {
  bool operator()(const VariableInfo& variable) const { return variable.is(Kind::kind()); }
};
template <class Kind> inline constexpr OfType<Kind> of_type{};

struct Everything {
  bool operator()(const VariableInfo&) const { return true; }
};
struct Nothing {
  bool operator()(const VariableInfo&) const { return false; }
};
inline constexpr Everything everything{};
inline constexpr Nothing nothing{};

/// Paths that match a pattern, where `*` stands for one name or a part of it, `**` for any number of names:
/// `blocks.*.attend.**`, `**.bias`.
Filter path_glob(std::string pattern);
/// Paths with this name among their parts.
Filter path_contains(std::string name);
Filter not_(Filter filter);
Filter any_of(std::initializer_list<Filter> filters);
Filter all_of(std::initializer_list<Filter> filters);
template <class... F> Filter any_of(F... filters) { return any_of({Filter(std::move(filters))...}); }
template <class... F> Filter all_of(F... filters) { return all_of({Filter(std::move(filters))...}); }

}  // namespace weft
