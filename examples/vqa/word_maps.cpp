#include <weft/examples/vqa/word_maps.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <weft/examples/vqa/object_mask.hpp>

namespace weft::examples::vqa {
namespace {

/// Small pictures are shown three times as large.
int64_t scale_of(int64_t width) { return std::max<int64_t>(1, 240 / std::max<int64_t>(width, 1)); }

std::string whole_percent(float share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.0f %%", 100 * static_cast<double>(share));
  return text;
}

void outline(Image& image, const DataSet& data, const Question& question) {
  const Split& split = data.test;
  const int64_t scale = scale_of(split.width);
  std::span<const PictureObject> objects = split.objects_of(question.picture);
  if (objects.empty()) {
    if (data.recipe != Recipe::easy_vqa) return;
    std::vector<uint8_t> mask = object_mask(split.pixels_of(question.picture), split.height, split.width);
    draw_mask_outline(image, mask, split.width, split.height, {255, 255, 255});
    return;
  }
  auto box = [&](int16_t place, Rgb color, int64_t room) {
    const PictureObject& object = objects[static_cast<size_t>(place)];
    auto left = static_cast<int64_t>(std::lround(object.x - object.half_size)) * scale - room;
    auto top = static_cast<int64_t>(std::lround(object.y - object.half_size)) * scale - room;
    auto side = static_cast<int64_t>(std::lround(2 * object.half_size + 1)) * scale + 2 * room;
    for (int64_t width = 0; width < 2; ++width)
      draw_box(image, left - width, top - width, side + 2 * width, side + 2 * width, color);
  };
  for (const Mention& mention : question.mentions)
    if (mention.token >= 0) box(mention.object, {255, 255, 255}, 1);
  if (question.target >= 0) box(question.target, {0, 0, 0}, 3);
}

}  // namespace

WordMaps::WordMaps(VqaModel& model, const Vocabulary& vocabulary, std::span<const uint8_t> pixels, int64_t height,
                   int64_t width, const std::vector<int32_t>& tokens)
    : grid_{model.see.rows, model.see.columns}, picture_(width, height, pixels) {
  for (size_t i = 0; i < tokens.size(); ++i) words_.push_back(i == 0 ? "(answer)" : vocabulary.word(tokens[i]));
  for (const Tensor& map : attention_maps(model, make_batch(pixels, height, width, {tokens}))) {
    heads_ = map.size(1);
    columns_ = map.size(3);
    weights_.push_back(map.to_vector<float>());
  }
}

WordMaps::Look WordMaps::look(int64_t layer, size_t word, int64_t head) const {
  const int64_t cells = grid_.cells(), first = head < 0 ? 0 : head, last = head < 0 ? heads_ : head + 1;
  Look look{std::vector<float>(static_cast<size_t>(cells), 0), 0};
  const auto share = 1 / static_cast<float>(last - first);
  for (int64_t h = first; h < last; ++h) {
    const float* row = weights_.at(static_cast<size_t>(layer)).data() +
                       (h * std::ssize(words_) + static_cast<int64_t>(word)) * columns_;
    for (int64_t c = 0; c < cells; ++c) look.cells[static_cast<size_t>(c)] += share * row[c];
    if (columns_ > cells) look.nothing += share * row[cells];
  }
  return look;
}

Image WordMaps::picture() const { return upscale(picture_, scale_of(picture_.width)); }

Image WordMaps::drawn(int64_t layer, size_t word, int64_t head) const {
  return overlay_heat(picture(), look(layer, word, head).cells, grid_.rows, grid_.columns);
}

Image word_sheet(const WordMaps& maps) {
  std::vector<Panel> panels;
  std::vector<std::string> captions;
  captions.reserve(static_cast<size_t>(maps.layers()));
  for (int64_t layer = 0; layer < maps.layers(); ++layer) {
    captions.push_back("layer " + std::to_string(layer + 1));
    panels.push_back({maps.picture(), captions.back()});
    for (size_t word = 0; word < maps.words().size(); ++word)
      panels.push_back({maps.drawn(layer, word), maps.words()[word]});
  }
  return contact_sheet(panels, std::ssize(maps.words()) + 1);
}

std::vector<Figure> word_figures(const WordMaps& maps, const DataSet& data, const Question& question, int64_t layer,
                                 int64_t head) {
  Image plain = maps.picture();
  outline(plain, data, question);
  std::string place = "layer " + std::to_string(layer + 1);
  if (head >= 0) place += ", head " + std::to_string(head + 1);
  std::vector<Figure> figures{{plain, place}};
  for (size_t word = 0; word < maps.words().size(); ++word) {
    Image shown = maps.drawn(layer, word, head);
    outline(shown, data, question);
    figures.push_back({shown, maps.words()[word] + ", nothing " + whole_percent(maps.look(layer, word, head).nothing)});
  }
  return figures;
}

}  // namespace weft::examples::vqa
