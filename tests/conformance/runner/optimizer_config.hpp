#pragma once

#include <weft/training/transform.hpp>

#include "config.hpp"

namespace weft::conformance {

/// The schedule that `{"schedule": ..., arguments...}` describes, or a number. Throws Unsupported.
Schedule schedule_of(const Config& config);

/// The transformation that `{"name": ..., arguments...}` describes, parts included. Throws Unsupported.
TransformPtr transform_of(const Config& config);

}  // namespace weft::conformance
