#pragma once

#include <string>

#include <weft/autograd/jit/plan.hpp>

namespace weft {

/// What a plan does, in lines for a person.
std::string describe_plan(const Plan& plan);

/// Its ops as nodes, its values as edges, in Graphviz's language.
std::string plan_as_dot(const Plan& plan);

}  // namespace weft
