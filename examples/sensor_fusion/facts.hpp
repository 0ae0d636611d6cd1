#pragma once

#include <string>
#include <string_view>

#include <weft/examples/sensor_fusion/scene.hpp>

namespace weft::examples::fusion {

/// What a scene knows and KITTI's files have no place for, as JSON: condition, visibility, ambient, the LiDAR's place,
/// the picture's size, and per box the counts of returns and pixels. Every entry is optional.
std::string facts_text(const Scene& scene);

/// Sets what the text gives. `scene` must have its picture and boxes. `file` names the text in errors. Throws
/// FormatError for what is no JSON, has the wrong type, or contradicts the scene: another picture size, another number
/// of boxes.
void apply_facts(Scene& scene, std::string_view text, const std::string& file);

}  // namespace weft::examples::fusion
