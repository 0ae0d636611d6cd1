#include <weft/examples/sensor_fusion/facts.hpp>

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <weft/core/error.hpp>

namespace weft::examples::fusion {
namespace {

using nlohmann::json;

/// Looks entries up and refuses those of the wrong type.
class Reader {
 public:
  Reader(const json& object, const std::string& source) : object_(object), source_(source) {
    if (!object.is_object()) throw FormatError(source + ": expected an object, got " + object.dump());
  }

  const json* find(const char* name) const {
    auto entry = object_.find(name);
    return entry == object_.end() ? nullptr : &*entry;
  }
  [[noreturn]] void fail(const char* name, const std::string& expected) const {
    throw FormatError(fmt::format("{}: {}: expected {}, got {}", source_, name, expected, find(name)->dump()));
  }
  void read(const char* name, double& value) const {
    const json* entry = find(name);
    if (!entry) return;
    if (!entry->is_number() || !(entry->get<double>() >= 0)) fail(name, "a number of at least 0");
    value = entry->get<double>();
  }
  void read(const char* name, int64_t& value) const {
    const json* entry = find(name);
    if (!entry) return;
    if (!entry->is_number_integer() || entry->get<int64_t>() < -1) fail(name, "an integer of at least -1");
    value = entry->get<int64_t>();
  }
  /// A list of `count` numbers; nullptr when there is no such entry.
  const json* numbers(const char* name, size_t count) const {
    const json* entry = find(name);
    if (!entry) return nullptr;
    bool good = entry->is_array() && entry->size() == count;
    for (size_t i = 0; good && i < count; ++i) good = (*entry)[i].is_number();
    if (!good) fail(name, fmt::format("{} numbers", count));
    return entry;
  }

 private:
  const json& object_;
  const std::string& source_;
};

}  // namespace

std::string facts_text(const Scene& scene) {
  json boxes = json::array();
  for (const Box& box : scene.boxes)
    boxes.push_back({{"lidar_points", box.lidar_points}, {"visible_pixels", box.visible_pixels}});
  json facts = {{"condition", name_of(scene.condition)},
                {"visibility", scene.visibility},
                {"ambient", scene.ambient},
                {"lidar_origin", {scene.lidar_origin.x, scene.lidar_origin.y, scene.lidar_origin.z}},
                {"picture", {scene.image.width, scene.image.height}},
                {"boxes", boxes}};
  return facts.dump(1) + '\n';
}

void apply_facts(Scene& scene, std::string_view text, const std::string& file) {
  json document;
  try {
    document = json::parse(text);
  } catch (const json::parse_error& error) { throw FormatError(file + ": not valid JSON: " + error.what()); }
  Reader facts(document, file);
  if (const json* name = facts.find("condition")) {
    if (!name->is_string()) facts.fail("condition", "a name");
    try {
      scene.condition = condition_named(name->get<std::string>());
    } catch (const ValueError& error) { throw FormatError(file + ": " + error.what()); }
  }
  facts.read("visibility", scene.visibility);
  facts.read("ambient", scene.ambient);
  if (const json* origin = facts.numbers("lidar_origin", 3))
    scene.lidar_origin = {(*origin)[0].get<double>(), (*origin)[1].get<double>(), (*origin)[2].get<double>()};
  if (const json* size = facts.numbers("picture", 2))
    if ((*size)[0] != scene.image.width || (*size)[1] != scene.image.height)
      facts.fail("picture", fmt::format("the picture's size {} x {}", scene.image.width, scene.image.height));
  if (const json* boxes = facts.find("boxes")) {
    if (!boxes->is_array() || boxes->size() != scene.boxes.size())
      facts.fail("boxes", fmt::format("a list of {}, as there are labels", scene.boxes.size()));
    for (size_t i = 0; i < scene.boxes.size(); ++i) {
      std::string source = fmt::format("{}: boxes {}", file, i);
      Reader box((*boxes)[i], source);
      box.read("lidar_points", scene.boxes[i].lidar_points);
      box.read("visible_pixels", scene.boxes[i].visible_pixels);
    }
  }
}

}  // namespace weft::examples::fusion
