#include <weft/examples/vqa/synthetic.hpp>

#include <array>
#include <cmath>
#include <string_view>

#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>
#include <weft/examples/common/image.hpp>
#include <weft/training/random_sequence.hpp>

namespace weft::examples::vqa {
namespace {

constexpr int64_t side = 64, drawn_side = 2 * side, smallest = 8, largest = 32;
constexpr double keep_open = 0.32, keep_yes_no = 0.08;

struct NamedColor {
  std::string_view name;
  Rgb color;
};
constexpr std::array<NamedColor, 8> colors{{{"black", {0, 0, 0}},
                                            {"gray", {128, 128, 128}},
                                            {"red", {255, 0, 0}},
                                            {"green", {0, 255, 0}},
                                            {"blue", {0, 0, 255}},
                                            {"yellow", {255, 255, 0}},
                                            {"teal", {0, 128, 128}},
                                            {"brown", {165, 42, 42}}}};
constexpr std::array<std::string_view, 3> shapes{"circle", "rectangle", "triangle"};

// `*` stands for the name.
constexpr std::array<std::string_view, 4> shape_questions{"what shape is in the image?", "what shape is present?",
                                                          "what shape does the image contain?", "what is the * shape?"};
constexpr std::array<std::string_view, 4> color_questions{"what color is the shape?", "what is the color of the shape?",
                                                          "what color is the *?", "what is the color of the *?"};
constexpr std::array<std::string_view, 4> affirmed{"is there a *?", "is there a * in the image?", "is a * present?",
                                                   "does the image contain a *?"};
constexpr std::array<std::string_view, 4> denied{"is there not a *?", "is there not a * in the image?",
                                                 "is no * present?", "does the image not contain a *?"};

/// What a picture shows; lengths and places in drawn pixels.
struct Scene {
  size_t shape = 0, color = 0;
  Rgb ground;
  int64_t x = 0, y = 0, width = 0, height = 0;
};

Scene draw_scene(RandomSequence& random) {
  Scene scene;
  scene.shape = static_cast<size_t>(random.below(shapes.size()));
  scene.color = static_cast<size_t>(random.below(colors.size()));
  auto light = [&] { return static_cast<uint8_t>(230 + random.below(26)); };
  scene.ground.red = light();
  scene.ground.green = light();
  scene.ground.blue = light();
  auto length = [&] { return 2 * (smallest + random.below(largest - smallest + 1)); };
  scene.width = length();
  scene.height = shapes[scene.shape] == "rectangle" ? length() : scene.width;
  if (shapes[scene.shape] == "triangle")  // equilateral, standing on its base
    scene.height = std::llround(static_cast<double>(scene.width) * std::sqrt(0.75));
  scene.x = random.below(drawn_side - scene.width + 1);
  scene.y = random.below(drawn_side - scene.height + 1);
  return scene;
}

bool covers(const Scene& scene, int64_t x, int64_t y) {
  // From the upper left corner to the pixel's centre, in half pixels.
  int64_t across = 2 * (x - scene.x) + 1, down = 2 * (y - scene.y) + 1;
  int64_t width = 2 * scene.width, height = 2 * scene.height;
  if (across < 0 || down < 0 || across > width || down > height) return false;
  if (shapes[scene.shape] == "circle") {
    int64_t dx = 2 * across - width, dy = 2 * down - height;
    return dx * dx + dy * dy <= width * width;
  }
  if (shapes[scene.shape] == "triangle") return std::abs(2 * across - width) * height <= width * down;
  return true;
}

void render(const Scene& scene, uint8_t* pixels) {
  for (int64_t y = 0; y < side; ++y)
    for (int64_t x = 0; x < side; ++x) {
      int covered = 0;
      for (int64_t i = 0; i < 4; ++i) covered += covers(scene, 2 * x + i % 2, 2 * y + i / 2);
      Rgb shape = colors[scene.color].color;
      auto mix = [&](int ground, int color) {
        return static_cast<uint8_t>(((4 - covered) * ground + covered * color + 2) / 4);
      };
      *pixels++ = mix(scene.ground.red, shape.red);
      *pixels++ = mix(scene.ground.green, shape.green);
      *pixels++ = mix(scene.ground.blue, shape.blue);
    }
}

std::string fill_in(std::string_view text, const std::string& name) {
  size_t star = text.find('*');
  if (star == std::string_view::npos) return std::string(text);
  return std::string(text.substr(0, star)) + name + std::string(text.substr(star + 1));
}

void ask(const Scene& scene, int64_t picture, RandomSequence& random, std::vector<RawQuestion>& questions) {
  std::string shape(shapes[scene.shape]), color(colors[scene.color].name);
  size_t before = questions.size();
  auto maybe = [&](double probability, std::string_view text, const std::string& name, const std::string& answer) {
    if (random.chance(probability)) questions.push_back({fill_in(text, name), answer, picture, easy_vqa_kind(answer)});
  };
  auto ask_yes_no = [&](const std::string& name, bool there) {
    for (std::string_view text : affirmed) maybe(keep_yes_no, text, name, there ? "yes" : "no");
    for (std::string_view text : denied) maybe(keep_yes_no, text, name, there ? "no" : "yes");
  };
  for (std::string_view text : shape_questions) maybe(keep_open, text, color, shape);
  for (std::string_view text : color_questions) maybe(keep_open, text, shape, color);
  for (std::string_view name : shapes) ask_yes_no(std::string(name), name == shape);
  for (const NamedColor& named : colors) ask_yes_no(std::string(named.name) + " shape", named.name == color);
  if (questions.size() == before)
    questions.push_back({std::string(shape_questions[0]), shape, picture, easy_vqa_kind(shape)});
}

struct Made {
  std::vector<uint8_t> pixels;  // [pictures, side, side, 3]
  std::vector<RawQuestion> questions;
};

Made make(uint64_t key, int64_t pictures) {
  constexpr int64_t picture_bytes = side * side * 3;
  std::vector<std::vector<RawQuestion>> questions(static_cast<size_t>(pictures));
  Made made;
  made.pixels.resize(static_cast<size_t>(pictures * picture_bytes));
  parallel_chunks(pictures, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      RandomSequence random(RandomKey{fold_in(key, static_cast<uint64_t>(i))});
      Scene scene = draw_scene(random);
      render(scene, made.pixels.data() + i * picture_bytes);
      ask(scene, i, random, questions[static_cast<size_t>(i)]);
    }
  });
  for (std::vector<RawQuestion>& some : questions)
    made.questions.insert(made.questions.end(), std::make_move_iterator(some.begin()),
                          std::make_move_iterator(some.end()));
  return made;
}

/// Every question there is, so that a small set knows all words.
std::vector<std::string> all_questions() {
  std::vector<std::string> questions;
  for (const NamedColor& named : colors)
    for (std::string_view shape : shapes) {
      std::string color(named.name);
      for (std::string_view text : shape_questions) questions.push_back(fill_in(text, color));
      for (std::string_view text : color_questions) questions.push_back(fill_in(text, std::string(shape)));
      for (const auto* texts : {&affirmed, &denied})
        for (std::string_view text : *texts) questions.push_back(fill_in(text, color + " shape"));
    }
  return questions;
}

Split finish(Made made, const DataSet& data) {
  Split split = make_split(made.questions, data.vocabulary, data.answers, "synthetic questions");
  split.height = split.width = side;
  split.pixels = std::move(made.pixels);
  return split;
}

}  // namespace

DataSet make_synthetic(const SyntheticOptions& options) {
  for (int64_t pictures : {options.train_pictures, options.test_pictures})
    if (pictures < 1)
      throw ValueError("make_synthetic: expected at least one picture in each split, got " + std::to_string(pictures));
  DataSet data;
  data.name = "synthetic";
  data.kinds = easy_vqa_kinds();
  data.vocabulary = Vocabulary::of(all_questions());
  data.answers = {"yes", "no"};
  for (std::string_view shape : shapes) data.answers.emplace_back(shape);
  for (const NamedColor& named : colors) data.answers.emplace_back(named.name);
  data.train = finish(make(fold_in(options.seed, 0), options.train_pictures), data);
  data.test = finish(make(fold_in(options.seed, 1), options.test_pictures), data);
  return data;
}

}  // namespace weft::examples::vqa
