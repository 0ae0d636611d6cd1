#include <weft/examples/sensor_fusion/data.hpp>

#include <algorithm>
#include <memory>

#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>
#include <weft/core/random.hpp>
#include <weft/examples/sensor_fusion/nuscenes.hpp>

namespace weft::examples::fusion {
namespace {

// Training seeds are folded with `training_stream`, so that none of them is this one.
constexpr uint64_t test_seed = 0x7e57, training_stream = 0x7a1d;
/// Of training scenes: how often the camera is turned and the model not told, and by how much at most, in degrees.
constexpr double turned_chance = 0.5, most_turned = 3;

FusionData tinydrive(const DataOptions& options) {
  FusionData data;
  data.grid.extent = options.range > 0 ? options.range : 32;
  data.picture_width = picture_width;
  data.picture_height = picture_height;
  data.train_scenes = options.train_scenes;
  data.made = true;
  data.train = [seed = fold_in(options.seed, training_stream), missing = options.missing_sensors](
                   int64_t, RandomSequence& random) {
    // Every sample of every epoch is a scene of its own.
    auto index = static_cast<int64_t>(random.bits());
    WorldOptions world;
    if (random.chance(turned_chance)) world.unknown_yaw_degrees = most_turned * static_cast<double>(random.uniform());
    if (!missing) {
      auto chance = static_cast<double>(random.uniform());
      world.condition = chance < 0.2 ? Condition::night : chance < 0.4 ? Condition::fog : Condition::clear;
    }
    return make_scene(seed, index, world);
  };
  data.test = test_scenes(options.test_scenes, {});
  return data;
}

/// Training scenes are read when they are wanted, test scenes at once; pictures of all are stretched to one size.
template <class Set>
FusionData from_files(const DataOptions& options, std::shared_ptr<const Set> train, const Set& test, int64_t width,
                      int64_t height) {
  FusionData data;
  data.grid.extent = options.range > 0 ? options.range : 48;
  data.picture_width = width;
  data.picture_height = height;
  data.mirror = true;
  data.train_scenes = train->size();
  data.train = [train, width, height](int64_t index, RandomSequence&) {
    Scene scene = train->scene(index);
    resize_picture(scene, width, height);
    return scene;
  };
  data.test.resize(static_cast<size_t>(test.size()));
  parallel_for(test.size(), [&](int64_t i) {
    Scene scene = test.scene(i);
    resize_picture(scene, width, height);
    data.test[static_cast<size_t>(i)] = std::move(scene);
  });
  return data;
}

KittiSet kitti_set(const DataOptions& options, const char* split) {
  // All of `training` for both where there are no lists.
  bool listed = std::filesystem::exists(options.folder / "ImageSets" / "train.txt");
  return KittiSet(options.folder, listed ? split : "training");
}

FusionData kitti(const DataOptions& options) {
  auto train = std::make_shared<const KittiSet>(kitti_set(options, "train"));
  return from_files<KittiSet>(options, train, kitti_set(options, "val"), 256, 80);
}

FusionData nuscenes(const DataOptions& options) {
  auto set = [&](const char* split) { return NuScenesSet(options.folder, {.scenes = nuscenes_mini_split(split)}); };
  return from_files<NuScenesSet>(options, std::make_shared<const NuScenesSet>(set("mini_train")), set("mini_val"), 192,
                                 108);
}

}  // namespace

std::vector<Scene> test_scenes(int64_t count, const WorldOptions& options) {
  return make_scenes(count, test_seed, options);
}

Scene test_scene(int64_t index, const WorldOptions& options) { return make_scene(test_seed, index, options); }

KittiSet kitti_test_set(const DataOptions& options) { return kitti_set(options, "val"); }

FusionData load_data(const DataOptions& options) {
  FusionData data;
  if (options.name == "tinydrive") data = tinydrive(options);
  else if (options.name == "kitti") data = kitti(options);
  else if (options.name == "nuscenes") data = nuscenes(options);
  else throw ValueError("data: expected tinydrive, kitti or nuscenes, got '" + options.name + "'");
  data.name = options.name;
  return data;
}

}  // namespace weft::examples::fusion
