#include <weft/examples/sensor_fusion/targets.hpp>

#include <algorithm>
#include <cmath>

#include <weft/core/error.hpp>

namespace weft::examples::fusion {
namespace {

constexpr int64_t reach = 3;  // cells; the Gaussian is nothing beyond

void draw_gaussian(std::vector<float>& heat, int64_t row, int64_t column, int64_t channel) {
  for (int64_t i = std::max<int64_t>(row - reach, 0); i <= std::min(row + reach, BevGrid::rows - 1); ++i)
    for (int64_t j = std::max<int64_t>(column - reach, 0); j <= std::min(column + reach, BevGrid::columns - 1); ++j) {
      auto squared = static_cast<double>((i - row) * (i - row) + (j - column) * (j - column));
      float& value = heat[static_cast<size_t>((i * BevGrid::columns + j) * class_count + channel)];
      value = std::max(value, static_cast<float>(std::exp(-squared / 2)));
    }
}

Box box_at(const float* features, int64_t row, int64_t column, const BevGrid& grid) {
  auto value = [&](int k) { return static_cast<double>(features[k]); };
  // A network that has just begun may say anything; a box keeps to sizes that floats can hold.
  auto size = [&](int k) { return std::exp(std::clamp(value(k), -5.0, 5.0)); };
  Box box;
  box.centre = {grid.x_at(static_cast<double>(row) + 0.5 + value(0)),
                grid.y_at(static_cast<double>(column) + 0.5 + value(1)), value(5)};
  box.length = size(2);
  box.width = size(3);
  box.height = size(4);
  box.yaw = wrap_angle(std::atan2(value(6), value(7)));
  return box;
}

}  // namespace

Targets make_targets(std::span<const Box> boxes, const BevGrid& grid) {
  auto cells = static_cast<size_t>(BevGrid::cells);
  Targets targets{std::vector<float>(cells * class_count), std::vector<float>(cells * box_features),
                  std::vector<float>(cells)};
  std::vector<double> range(cells);
  for (const Box& box : boxes) {
    auto index = grid.cell_of(box.centre.x, box.centre.y);
    if (!index) continue;
    auto cell = static_cast<size_t>(*index);
    int64_t row = *index / BevGrid::columns, column = *index % BevGrid::columns;
    draw_gaussian(targets.heat, row, column, static_cast<int64_t>(box.object));
    if (targets.centres[cell] != 0 && range[cell] <= box.range()) continue;
    targets.centres[cell] = 1;
    range[cell] = box.range();
    BevGrid::Place place = grid.place_of(box.centre.x, box.centre.y);
    const double features[box_features] = {place.row - static_cast<double>(row) - 0.5,
                                           place.column - static_cast<double>(column) - 0.5,
                                           std::log(box.length),
                                           std::log(box.width),
                                           std::log(box.height),
                                           box.centre.z,
                                           std::sin(box.yaw),
                                           std::cos(box.yaw)};
    for (size_t k = 0; k < box_features; ++k) targets.box[cell * box_features + k] = static_cast<float>(features[k]);
  }
  return targets;
}

std::vector<Box> decode(std::span<const float> output, const BevGrid& grid, const DecodeOptions& options) {
  if (static_cast<int64_t>(output.size()) != BevGrid::cells * output_features)
    throw ShapeError("decode: expected " + std::to_string(BevGrid::cells * output_features) + " numbers, got " +
                     std::to_string(output.size()));
  auto logit = [&](int64_t row, int64_t column, int64_t channel) {
    return output[static_cast<size_t>((row * BevGrid::columns + column) * output_features + channel)];
  };
  std::vector<Box> boxes;
  for (int64_t row = 0; row < BevGrid::rows; ++row)
    for (int64_t column = 0; column < BevGrid::columns; ++column)
      for (int64_t channel = 0; channel < class_count; ++channel) {
        float here = logit(row, column, channel);
        bool peak = true;
        for (int64_t i = std::max<int64_t>(row - 1, 0); i <= std::min(row + 1, BevGrid::rows - 1); ++i)
          for (int64_t j = std::max<int64_t>(column - 1, 0); j <= std::min(column + 1, BevGrid::columns - 1); ++j)
            peak = peak && logit(i, j, channel) <= here;
        double score = 1 / (1 + std::exp(-static_cast<double>(here)));
        if (!peak || !(score >= static_cast<double>(options.min_score))) continue;
        const float* features = output.data() + (row * BevGrid::columns + column) * output_features + class_count;
        Box box = box_at(features, row, column, grid);
        box.object = object_classes[static_cast<size_t>(channel)];
        box.score = score;
        boxes.push_back(box);
      }
  std::stable_sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) { return a.score > b.score; });
  if (static_cast<int64_t>(boxes.size()) > options.most) boxes.resize(static_cast<size_t>(options.most));
  return boxes;
}

}  // namespace weft::examples::fusion
