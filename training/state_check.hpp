#pragma once

#include <functional>
#include <string>
#include <vector>

#include <weft/layers/state.hpp>

namespace weft {

/// `a`, then `a, b`, ...
void append_item(std::string& list, const std::string& item);

/// Throws StateError, `what` before its text, unless both name the same things: `...; missing: a, b; unexpected: c`.
void check_same_names(const std::string& what, const std::vector<std::string>& expected, const State& got);

/// Adds `name (expected float32[2, 3], got float32[3, 2])` to `misshapen` where a value of that name is of another
/// spec.
void check_spec(std::string& misshapen, const std::string& name, const Spec& expected, const State& got);

}  // namespace weft
