#pragma once

#include <cstdint>

#include <weft/training/random_sequence.hpp>

namespace weft::examples::fusion::world {

/// Linear light or albedo, each part from 0 (black) to 1 (white in full daylight).
struct Color {
  double red = 0, green = 0, blue = 0;
  friend Color operator*(double s, const Color& c) { return {s * c.red, s * c.green, s * c.blue}; }
  friend Color operator+(const Color& a, const Color& b) { return {a.red + b.red, a.green + b.green, a.blue + b.blue}; }
  friend Color operator*(const Color& a, const Color& b) { return {a.red * b.red, a.green * b.green, a.blue * b.blue}; }
};

enum class Face : uint8_t { front, rear, left, right, top, round };

/// What a solid is painted as.
enum class Paint : uint8_t { car, pedestrian, cyclist, post, crate, poster };

/// Paint and the colours drawn for one solid.
struct Look {
  Paint paint = Paint::crate;
  Color main;    // body of a car, shirt, metal, wood
  Color second;  // trousers, band of a post
  Color skin, hair;
  double scale = 1;  // of the figure on a poster
};

/// Colours for a solid of that paint.
Look draw_look(Paint paint, RandomSequence& random);

/// The albedo at a place of a face. `along` and `across` run over [-0.5, 0.5] of the solid's own x and y, `up` over
/// [0, 1]; the lengths in metres keep wheels round.
Color albedo(const Look& look, Face face, double along, double across, double up, double length, double width,
             double height);

}  // namespace weft::examples::fusion::world
