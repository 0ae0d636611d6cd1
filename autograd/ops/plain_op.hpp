#pragma once

#include <cstddef>
#include <string_view>

namespace weft::op {

/// A string as a template argument.
template <size_t N> struct OpName {
  char text[N]{};
  constexpr OpName(const char (&literal)[N]) {
    for (size_t i = 0; i < N; ++i) text[i] = literal[i];
  }
};

/// Base of a primitive that has a name and no attributes: `struct Exp : PlainOp<"exp"> {};`.
template <OpName Name> struct PlainOp {
  static constexpr std::string_view name{Name.text, sizeof(Name.text) - 1};
  friend bool operator==(const PlainOp&, const PlainOp&) = default;
};

}  // namespace weft::op
