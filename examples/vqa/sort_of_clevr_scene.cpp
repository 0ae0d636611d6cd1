#include <weft/examples/vqa/sort_of_clevr_scene.hpp>

#include <algorithm>

namespace weft::examples::vqa::sort_of_clevr {
namespace {

constexpr int64_t line_tolerance = 12, legacy_sentinel = 999;
constexpr int32_t yes = 0, no = 1, rectangle = 2, circle = 3, zero = 4;

const Object& at(const Scene& scene, int64_t object) { return scene[static_cast<size_t>(object)]; }

int64_t squared_distance(const Object& a, const Object& b) {
  return (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y);
}

int64_t closest(const Scene& scene, int64_t to, Labels labels) {
  int64_t best = -1, least = 0;
  for (int64_t i = 0; i < objects; ++i) {
    if (i == to && labels == Labels::fixed) continue;
    int64_t distance = i == to ? legacy_sentinel : squared_distance(at(scene, to), at(scene, i));
    if (best < 0 || distance < least) {
      best = i;
      least = distance;
    }
  }
  return best;
}

int64_t furthest(const Scene& scene, int64_t from) {
  int64_t best = from, most = 0;
  for (int64_t i = 0; i < objects; ++i) {
    int64_t distance = squared_distance(at(scene, from), at(scene, i));
    if (distance > most) {
      best = i;
      most = distance;
    }
  }
  return best;
}

bool in_box(const Object& a, const Object& b, const Object& c) {
  return std::min(a.x, b.x) <= c.x && c.x <= std::max(a.x, b.x) && std::min(a.y, b.y) <= c.y &&
         c.y <= std::max(a.y, b.y);
}

/// |y - (slope (x - ax) + ay)| <= 12, times |dx|. A vertical line has no height beyond the named object's own.
bool near_line(const Object& a, const Object& b, const Object& c) {
  int64_t dx = b.x - a.x, dy = b.y - a.y;
  if (dx == 0) return c.x == a.x && std::abs(c.y - a.y) <= line_tolerance;
  return std::abs(dy * (c.x - a.x) - (c.y - a.y) * dx) <= line_tolerance * std::abs(dx);
}

bool obtuse(const Object& a, const Object& b, const Object& c) {
  auto dot = [](const Object& corner, const Object& p, const Object& q) {
    return (p.x - corner.x) * (q.x - corner.x) + (p.y - corner.y) * (q.y - corner.y);
  };
  bool in_line = (b.x - a.x) * (c.y - a.y) == (b.y - a.y) * (c.x - a.x);
  return !in_line && (dot(a, b, c) <= 0 || dot(b, a, c) <= 0 || dot(c, a, b) <= 0);
}

/// How many objects other than the named ones hold `test`.
template <class Test> int32_t count_others(const Scene& scene, const Query& query, Test test) {
  int32_t count = 0;
  for (int64_t i = 0; i < objects; ++i) {
    if (i == query.first || (names_two(query.kind) && i == query.second)) continue;
    count += test(at(scene, i));
  }
  return count;
}

}  // namespace

Scene draw_scene(RandomSequence& random) {
  Scene scene;
  for (size_t i = 0; i < scene.size(); ++i) {
    auto free = [&](const Object& object) {
      return std::none_of(scene.begin(), scene.begin() + static_cast<std::ptrdiff_t>(i), [&](const Object& earlier) {
        return squared_distance(earlier, object) < 4 * half_size * half_size;
      });
    };
    do {
      scene[i].x = half_size + random.below(side - 2 * half_size);
      scene[i].y = half_size + random.below(side - 2 * half_size);
    } while (!free(scene[i]));
    scene[i].circle = random.below(2) == 1;
  }
  return scene;
}

void render(const Scene& scene, uint8_t* pixels) {
  std::fill(pixels, pixels + side * side * 3, uint8_t{255});
  for (size_t i = 0; i < scene.size(); ++i) {
    const Object& object = scene[i];
    for (int64_t dy = -half_size; dy <= half_size; ++dy)
      for (int64_t dx = -half_size; dx <= half_size; ++dx) {
        if (object.circle && dx * dx + dy * dy > half_size * half_size) continue;
        uint8_t* pixel = pixels + ((object.y + dy) * side + object.x + dx) * 3;
        pixel[0] = colors[i].color.red;
        pixel[1] = colors[i].color.green;
        pixel[2] = colors[i].color.blue;
      }
  }
}

std::vector<Query> draw_queries(RandomSequence& random) {
  std::vector<Query> queries;
  for (int64_t group = 0; group < 3; ++group)
    for (int64_t i = 0; i < questions_per_kind; ++i) {
      Query query;
      query.kind = static_cast<Kind>(3 * group + random.below(3));
      if (names_two(query.kind)) {
        query.first = random.below(objects - 1);
        query.second = random.below(objects - 2);
        query.second += query.second >= query.first;
      } else {
        query.first = random.below(objects);
      }
      queries.push_back(query);
    }
  return queries;
}

std::optional<int64_t> target(const Scene& scene, const Query& query, Labels labels) {
  switch (query.kind) {
    case Kind::shape: return query.first;
    case Kind::closest: return closest(scene, query.first, labels);
    case Kind::furthest: return furthest(scene, query.first);
    default: return std::nullopt;
  }
}

int32_t answer(const Scene& scene, const Query& query, Labels labels) {
  const Object &a = at(scene, query.first), &b = at(scene, query.second);
  auto count = [&](auto test) { return count_others(scene, query, test); };
  switch (query.kind) {
    case Kind::left: return 2 * a.x < side ? yes : no;
    case Kind::top: return 2 * a.y < side ? yes : no;
    case Kind::same_shape: return zero + count([&](const Object& c) { return c.circle == a.circle; });
    case Kind::between: return zero + count([&](const Object& c) { return in_box(a, b, c); });
    case Kind::line: return count([&](const Object& c) { return near_line(a, b, c); }) > 0 ? yes : no;
    case Kind::obtuse: return zero + count([&](const Object& c) { return obtuse(a, b, c); });
    default: return at(scene, *target(scene, query, labels)).circle ? circle : rectangle;
  }
}

std::array<uint8_t, 18> code(const Query& query) {
  std::array<uint8_t, 18> bits{};
  bits[static_cast<size_t>(query.first)] = 1;
  if (names_two(query.kind)) bits[static_cast<size_t>(6 + query.second)] = 1;
  bits[static_cast<size_t>(12 + group_of(query.kind))] = 1;
  bits[static_cast<size_t>(15 + static_cast<int64_t>(query.kind) % 3)] = 1;
  return bits;
}

}  // namespace weft::examples::vqa::sort_of_clevr
