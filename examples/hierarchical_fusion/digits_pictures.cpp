#include <fmt/format.h>

#include <weft/examples/common/png.hpp>
#include <weft/examples/hierarchical_fusion/digits_results.hpp>

namespace weft::examples::hierarchy {
namespace {

constexpr int64_t factor = 12;  // of enlargement

/// Heat of what a class token attends to, mean of the heads: [patches] of one digit.
std::vector<float> heat_of(const Tensor& weights, int64_t patches) {
  std::vector<float> values = reshape(mean(weights, {1}), {weights.size(3)}).to_vector<float>();
  values.resize(static_cast<size_t>(patches));  // the null slot is last
  return values;
}

void write_sheet(const std::filesystem::path& path, const std::vector<Figure>& figures, int64_t columns) {
  std::vector<Panel> panels;
  for (const Figure& figure : figures) panels.push_back({figure.image, figure.caption});
  if (!panels.empty()) write_png(path, contact_sheet(panels, columns));
}

}  // namespace

std::vector<Figure> wrong_digits(const DigitSet& data, const DigitEvaluation& test, size_t most) {
  std::vector<Figure> figures;
  for (size_t i = 0; i < data.test.size() && figures.size() < most; ++i)
    if (test.predictions[i] != data.test[i].label)
      figures.push_back({upscale(picture_of(data.test[i]), factor),
                         fmt::format("said {}, is {}", test.predictions[i], data.test[i].label), true});
  return figures;
}

std::vector<Figure> digit_looks(DigitModel& model, const DigitSet& data) {
  std::vector<Figure> figures;
  if (model.branches != Branches::cross) return figures;
  NoGrad guard;
  eval(model);
  std::string last = std::to_string(model.to_small.size() - 1);
  for (int32_t label = 0; label < digit_classes; ++label)
    for (const Digit& digit : data.test) {
      if (digit.label != label) continue;
      Tensor picture = collate({digit}).pictures.to(default_device());
      auto [logits, sown] = capture([&] { return model(picture); });
      Image image = upscale(picture_of(digit), factor);
      auto add = [&, &state = sown](const char* name, const char* caption, int64_t cells) {
        Tensor weights = state[fmt::format("{}.{}.attend.attention_weights", name, last)];
        figures.push_back({overlay_heat(image, heat_of(weights, cells * cells), cells, cells), caption});
      };
      figures.push_back({image, std::to_string(label)});
      add("to_small", "by small", digit_extent / large_patch);
      add("to_large", "by large", digit_extent / small_patch);
      break;
    }
  train(model);
  return figures;
}

void write_digit_pictures(const std::filesystem::path& folder, DigitModel& model, const DigitSet& data) {
  write_sheet(folder / "wrong.png", wrong_digits(data, evaluate(model, data.test), 40), 8);
  write_sheet(folder / "attention.png", digit_looks(model, data), 6);
}

}  // namespace weft::examples::hierarchy
