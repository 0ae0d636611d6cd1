#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <weft/training/random_sequence.hpp>

/// Scenes, pictures and answers of Sort-of-CLEVR (Santoro et al. 2017, "A simple neural network module for relational
/// reasoning", appendix D), with the geometry of the generator that most published numbers come from (github.com/
/// kimhc6028/relational-networks). All arithmetic is in integers.
namespace weft::examples::vqa::sort_of_clevr {

constexpr int64_t side = 75, half_size = 5, objects = 6, questions_per_kind = 10;

struct Rgb8 {
  uint8_t red, green, blue;
};
struct NamedColor {
  std::string_view name;
  Rgb8 color;
};
/// An object's place in a scene is its color's place here.
constexpr std::array<NamedColor, objects> colors{{{"red", {255, 0, 0}},
                                                  {"green", {0, 255, 0}},
                                                  {"blue", {0, 0, 255}},
                                                  {"orange", {255, 156, 0}},
                                                  {"gray", {128, 128, 128}},
                                                  {"yellow", {255, 255, 0}}}};

struct Object {
  int64_t x = 0, y = 0;  ///< centre, in [5, 70)
  bool circle = false;   ///< or a square
};
using Scene = std::array<Object, objects>;

/// Centres lie at least 10 pixels apart (so boxes may overlap); a shape is a coin's throw.
Scene draw_scene(RandomSequence& random);

/// White, and the objects in the order of their colors: squares of 11 x 11 pixels, circles of radius 5.
/// `pixels` is [75, 75, 3].
void render(const Scene& scene, uint8_t* pixels);

enum class Kind : uint8_t {
  shape,  ///< of an object
  left,   ///< is it left of the middle
  top,    ///< is it above the middle
  closest,
  furthest,    ///< shapes of the others that are closest to an object and furthest from it
  same_shape,  ///< how many others share an object's shape
  between,     ///< how many others lie in the box that two objects span
  line,        ///< does any other lie within 12 pixels, vertically, of the line through two objects
  obtuse,      ///< how many others form a triangle of at least 90 degrees with two objects; not where they are in line
};
constexpr int64_t kinds = 9;
/// Non-relational, binary and ternary: three kinds each.
constexpr int64_t group_of(Kind kind) { return static_cast<int64_t>(kind) / 3; }
constexpr bool names_two(Kind kind) { return group_of(kind) == 2; }

struct Query {
  Kind kind = Kind::shape;
  int64_t first = 0, second = 0;  ///< objects; the second with `names_two` alone
};

/// Ten of each group. Objects and kinds are drawn with replacement; two that go together are different, and never the
/// sixth (yellow), as in the published generator.
std::vector<Query> draw_queries(RandomSequence& random);

/// Which object is called the closest.
enum class Labels {
  fixed,
  /// The published generator's: an object with no neighbour within sqrt(999) = 31.6 pixels is the closest to itself.
  legacy,
};

/// `yes`, `no`, `rectangle`, `circle`, `0` ... `5`.
constexpr std::array<std::string_view, 10> answers{"yes", "no", "rectangle", "circle", "0", "1", "2", "3", "4", "5"};

/// Place in `answers`. Of objects equally far the one with the lower number counts.
int32_t answer(const Scene& scene, const Query& query, Labels labels = Labels::fixed);

/// The object whose shape answers a question: the named one, the closest, the furthest; none for other kinds.
std::optional<int64_t> target(const Scene& scene, const Query& query, Labels labels = Labels::fixed);

/// [first color 6, second color 6, group 3, kind within the group 3], one-hot: the published question code.
std::array<uint8_t, 18> code(const Query& query);

}  // namespace weft::examples::vqa::sort_of_clevr
