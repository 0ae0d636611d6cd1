#include <weft/examples/sensor_fusion/world/appearance.hpp>

#include <array>
#include <cmath>

namespace weft::examples::fusion::world {
namespace {

constexpr Color rubber{0.02, 0.02, 0.022}, glass{0.05, 0.07, 0.09}, lamp{0.95, 0.93, 0.8}, tail{0.7, 0.03, 0.03},
    plate{0.8, 0.8, 0.7}, steel{0.4, 0.41, 0.43}, paper{0.62, 0.63, 0.6}, backing{0.16, 0.15, 0.14};

constexpr std::array<Color, 9> car_paints{{{0.78, 0.78, 0.76},
                                           {0.55, 0.56, 0.58},
                                           {0.25, 0.26, 0.28},
                                           {0.06, 0.06, 0.07},
                                           {0.55, 0.05, 0.04},
                                           {0.05, 0.12, 0.5},
                                           {0.06, 0.3, 0.1},
                                           {0.75, 0.55, 0.05},
                                           {0.1, 0.4, 0.45}}};
constexpr std::array<Color, 8> clothes{{{0.7, 0.08, 0.07},
                                        {0.08, 0.2, 0.65},
                                        {0.08, 0.45, 0.15},
                                        {0.8, 0.65, 0.08},
                                        {0.75, 0.75, 0.73},
                                        {0.5, 0.1, 0.45},
                                        {0.85, 0.35, 0.05},
                                        {0.07, 0.07, 0.08}}};
constexpr std::array<Color, 4> trousers{{{0.04, 0.06, 0.16}, {0.03, 0.03, 0.035}, {0.3, 0.25, 0.16}, {0.2, 0.2, 0.21}}};
constexpr std::array<Color, 3> skins{{{0.75, 0.48, 0.35}, {0.45, 0.27, 0.17}, {0.2, 0.11, 0.07}}};
constexpr std::array<Color, 4> hairs{{{0.02, 0.015, 0.01}, {0.14, 0.07, 0.03}, {0.45, 0.3, 0.12}, {0.3, 0.3, 0.3}}};

template <size_t count> Color one_of(const std::array<Color, count>& colors, RandomSequence& random) {
  Color c = colors[static_cast<size_t>(random.below(static_cast<int64_t>(count)))];
  return static_cast<double>(random.uniform(0.85f, 1.15f)) * c;
}

bool in_circle(double x, double y, double radius) { return x * x + y * y < radius * radius; }

/// `s` runs over [-0.5, 0.5] along the face, to the car's front on its sides.
Color car(const Look& look, Face face, double s, double up, double length, double height) {
  double z = up * height;
  if (face == Face::top) return s > 0.16 && s < 0.3 ? glass : look.main;
  if (face == Face::left || face == Face::right) {
    for (double axle : {-0.3, 0.3}) {
      double x = (s - axle) * length;
      if (in_circle(x, z - 0.32, 0.17)) return steel;
      if (in_circle(x, z - 0.32, 0.34)) return rubber;
    }
    // The cabin: two windows with a pillar between them.
    if (up > 0.56 && up < 0.92 && s > -0.42 && s < 0.3 - 0.25 * (up - 0.56) && std::abs(s + 0.05) > 0.015) return glass;
  } else {
    if (up > 0.56 && up < 0.92 && std::abs(s) < 0.44) return glass;
    if (face == Face::front) {
      if (up > 0.34 && up < 0.5 && std::abs(s) > 0.28 && std::abs(s) < 0.47) return lamp;
      if (up > 0.22 && up < 0.44 && std::abs(s) < 0.22) return rubber;
    } else {
      if (up > 0.38 && up < 0.54 && std::abs(s) > 0.3) return tail;
      if (up > 0.28 && up < 0.4 && std::abs(s) < 0.16) return plate;
    }
    if (up < 0.2 && std::abs(s) > 0.32) return rubber;
  }
  return up < 0.12 ? rubber : look.main;
}

/// Shirt over trousers below a head; only the front has a face. `s` runs to the person's front on the sides.
Color person(const Look& look, Face face, double s, double up) {
  if (face == Face::top) return look.hair;
  bool side = face == Face::left || face == Face::right;
  if (up > 0.86) {
    bool face_side = face == Face::front || (side && s > 0.05);
    return face_side && up < 0.96 ? look.skin : look.hair;
  }
  if (up > 0.48) {
    bool arm = side ? std::abs(s) < 0.16 : std::abs(s) > 0.36;
    if (arm && up < 0.54) return look.skin;
    return arm ? 0.6 * look.main : look.main;
  }
  if (up < 0.05) return rubber;
  bool gap = !side && std::abs(s) < 0.04;
  return gap ? 0.3 * look.second : look.second;
}

/// Two wheels and a frame, the rider's legs between them, the rider above.
Color cyclist(const Look& look, Face face, double s, double up, double length, double height) {
  if (face == Face::top) return std::abs(s) < 0.16 ? look.hair : 0.6 * look.main;
  double z = up * height;
  if (face == Face::front || face == Face::rear) {
    if (up < 0.42) {
      if (std::abs(s) < 0.1) return rubber;
      return std::abs(s) < 0.38 ? look.second : 0.5 * paper;
    }
    if (up < 0.5 && face == Face::front) return std::abs(s) > 0.3 ? look.skin : steel;
    return person(look, face, s, up);
  }
  for (double axle : {-0.29, 0.29}) {
    double x = (s - axle) * length;
    if (in_circle(x, z - 0.35, 0.06)) return steel;
    if (in_circle(x, z - 0.35, 0.34) && !in_circle(x, z - 0.35, 0.25)) return rubber;
  }
  if (std::abs(s) < 0.07 && up > 0.14 && up < 0.52) return look.second;      // leg
  if (std::abs(z - 0.62) < 0.05 && std::abs(s) < 0.3) return steel;          // frame
  if (s > 0.2 && s < 0.24 && up > 0.2 && up < 0.6) return steel;             // fork
  if (up > 0.5 && up < 0.86 && std::abs(s + 0.02) < 0.15) return look.main;  // back
  if (up > 0.6 && up < 0.72 && s > 0.1 && s < 0.28) return look.skin;        // arm
  if (up > 0.86 && std::abs(s - 0.03) < 0.1) return s > 0.06 && up < 0.94 ? look.skin : look.hair;
  return 0.5 * paper;
}

Color crate(const Look& look, Face face, double s, double up, double run, double height) {
  double z = up * height, x = (s + 0.5) * run;
  if (face != Face::top && (z < 0.12 || z > height - 0.12 || x < 0.12 || x > run - 0.12)) return 0.55 * look.main;
  double plank = x / 0.35;
  double place = plank - std::floor(plank);
  if (place < 0.12) return 0.35 * look.main;
  return static_cast<int64_t>(plank) % 2 == 0 ? look.main : 0.85 * look.main;
}

/// A life-sized or smaller figure on paper, feet at the lower edge.
Color poster(const Look& look, Face face, double s, double up, double width, double height) {
  if (face != Face::front) return backing;
  double x = s * width / (0.6 * look.scale), z = up * height / (1.75 * look.scale);
  if (std::abs(x) > 0.5 || z > 1) return paper;
  return person(look, Face::front, x, z);
}

}  // namespace

Look draw_look(Paint paint, RandomSequence& random) {
  Look look;
  look.paint = paint;
  look.skin = one_of(skins, random);
  look.hair = one_of(hairs, random);
  look.second = one_of(trousers, random);
  switch (paint) {
    case Paint::car: look.main = one_of(car_paints, random); break;
    case Paint::pedestrian:
    case Paint::cyclist:
    case Paint::poster: look.main = one_of(clothes, random); break;
    case Paint::post:
      look.main = static_cast<double>(random.uniform(0.4f, 1.2f)) * steel;
      look.second = random.chance(0.5) ? tail : plate;
      break;
    case Paint::crate: look.main = static_cast<double>(random.uniform(0.7f, 1.3f)) * Color{0.36, 0.22, 0.1}; break;
  }
  if (paint == Paint::poster) look.scale = static_cast<double>(random.uniform(0.75f, 1.0f));
  return look;
}

Color albedo(const Look& look, Face face, double along, double across, double up, double length, double width,
             double height) {
  bool side = face == Face::left || face == Face::right || face == Face::top;
  double s = side ? along : across, run = side ? length : width;
  switch (look.paint) {
    case Paint::car: return car(look, face, s, up, length, height);
    case Paint::pedestrian: return person(look, face, s, up);
    case Paint::cyclist: return cyclist(look, face, s, up, length, height);
    case Paint::post: return up > 0.72 && up < 0.84 ? look.second : look.main;
    case Paint::crate: return crate(look, face, s, up, run, height);
    case Paint::poster: return poster(look, face, s, up, width, height);
  }
  __builtin_unreachable();
}

}  // namespace weft::examples::fusion::world
