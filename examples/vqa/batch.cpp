#include <weft/examples/vqa/batch.hpp>

#include <algorithm>

#include <weft/autograd/ops/slice.hpp>
#include <weft/core/error.hpp>

namespace weft::examples::vqa {
namespace {

constexpr size_t row_multiple = 8;

float scaled(uint8_t value) { return static_cast<float>(value) / 127.5f - 1.0f; }

/// `count` of the questions, drawn without replacement, in their old order.
std::vector<const Question*> draw(std::span<const Question> all, int64_t count, RandomSequence& random) {
  std::vector<const Question*> chosen;
  int64_t left = static_cast<int64_t>(all.size());
  for (const Question& question : all) {  // selection sampling (Knuth, TAOCP 3.4.2 S)
    if (random.below(left) < count) {
      chosen.push_back(&question);
      --count;
    }
    --left;
  }
  return chosen;
}

}  // namespace

PictureSet::PictureSet(const Split& split, PictureOptions options) : split_(&split), options_(std::move(options)) {
  int64_t longest = 0;
  for (const Question& question : split.questions)
    longest = std::max(longest, static_cast<int64_t>(question.tokens.size()));
  if (options_.tokens == 0) options_.tokens = longest;
  if (options_.tokens < longest)
    throw ValueError("PictureSet: tokens: expected at least " + std::to_string(longest) + ", got " +
                     std::to_string(options_.tokens));
  for (auto [name, value] : {std::pair("questions_per_picture", options_.questions_per_picture),
                             std::pair("questions_per_row", options_.questions_per_row)})
    if (value < 0)
      throw ValueError(std::string("PictureSet: ") + name + ": expected at least 0, got " + std::to_string(value));
}

PictureSample PictureSet::get(int64_t index, RandomSequence& random) const {
  PictureSample sample;
  sample.height = split_->height;
  sample.width = split_->width;
  sample.tokens = options_.tokens;
  sample.questions_per_row = options_.questions_per_row;
  sample.soft_answers = options_.soft_answers;
  bool mirrored = options_.mirror && random.chance(0.5);
  std::span<const uint8_t> pixels;
  std::span<const Question> questions;
  MadePicture made;
  if (options_.fresh) {
    made = options_.fresh(random);
    pixels = made.pixels;
    sample.made = std::make_shared<const std::vector<Question>>(std::move(made.questions));
    questions = *sample.made;
  } else {
    pixels = split_->pixels_of(index);
    questions = split_->questions_of(index);
  }
  sample.pixels.resize(pixels.size());
  for (int64_t y = 0; y < sample.height; ++y)
    for (int64_t x = 0; x < sample.width; ++x)
      for (int64_t c = 0; c < 3; ++c) {
        int64_t from = mirrored ? sample.width - 1 - x : x;
        sample.pixels[static_cast<size_t>((y * sample.width + x) * 3 + c)] =
            scaled(pixels[static_cast<size_t>((y * sample.width + from) * 3 + c)]);
      }
  int64_t count = static_cast<int64_t>(questions.size()), most = options_.questions_per_picture;
  sample.questions = draw(questions, most == 0 ? count : std::min(most, count), random);
  return sample;
}

Batch collate(const std::vector<PictureSample>& samples) {
  Batch batch;
  int64_t tokens = samples.front().tokens, count = static_cast<int64_t>(samples.size());
  int64_t width = samples.front().questions_per_row;  // Q
  const bool split = width > 0;
  if (!split)
    for (const PictureSample& sample : samples) width = std::max(width, static_cast<int64_t>(sample.questions.size()));

  std::vector<int32_t> picture_of_row;
  batch.pictures = Tensor::empty({count, samples.front().height, samples.front().width, 3}, DType::float32, Device());
  float* pixels = batch.pictures.mutable_data<float>();
  for (size_t i = 0; i < samples.size(); ++i) {
    const PictureSample& sample = samples[i];
    pixels = std::copy(sample.pixels.begin(), sample.pixels.end(), pixels);
    if (sample.made) batch.made.push_back(sample.made);
    auto next = sample.questions.begin();
    do {
      auto end = next + std::min<int64_t>(width, sample.questions.end() - next);
      batch.questions.emplace_back(next, end);
      picture_of_row.push_back(static_cast<int32_t>(i));
      next = end;
    } while (next != sample.questions.end());
  }
  if (split)
    while (picture_of_row.size() % row_multiple != 0) {
      batch.questions.emplace_back();
      picture_of_row.push_back(static_cast<int32_t>(count - 1));
    }

  auto rows = static_cast<int64_t>(picture_of_row.size());
  std::vector<int32_t> words(static_cast<size_t>(rows * width * tokens), Vocabulary::pad);
  std::vector<int32_t> answers(static_cast<size_t>(rows * width), 0);
  const auto choices = static_cast<size_t>(samples.front().soft_answers);
  std::vector<float> shares(answers.size() * choices, 0.0f);
  batch.real = Tensor::empty({rows, width, tokens}, DType::boolean, Device());
  batch.asked = Tensor::empty({rows, width}, DType::boolean, Device());
  bool* asked = batch.asked.mutable_data<bool>();
  for (size_t row = 0; row < batch.questions.size(); ++row)
    for (size_t place = 0; place < static_cast<size_t>(width); ++place) {
      size_t at = row * static_cast<size_t>(width) + place;
      asked[at] = place < batch.questions[row].size();
      int32_t* line = words.data() + at * static_cast<size_t>(tokens);
      line[0] = Vocabulary::answer;
      if (!asked[at]) continue;
      const Question& question = *batch.questions[row][place];
      std::copy(question.tokens.begin(), question.tokens.end(), line);
      answers[at] = question.answer;
      if (choices == 0) continue;
      for (const SoftAnswer& soft : question.soft) shares[at * choices + static_cast<size_t>(soft.answer)] = soft.share;
    }
  bool* real = batch.real.mutable_data<bool>();
  for (size_t i = 0; i < words.size(); ++i) real[i] = words[i] != Vocabulary::pad;
  batch.row = Tensor::from(picture_of_row, {rows}, Device());
  batch.tokens = Tensor::from(words, {rows, width, tokens}, Device());
  batch.answers = choices == 0 ? Tensor::from(answers, {rows, width}, Device())
                               : Tensor::from(shares, {rows, width, static_cast<int64_t>(choices)}, Device());
  return batch;
}

void keep_questions(Batch& batch, int64_t first, int64_t last) {
  for (Tensor* tensor : {&batch.tokens, &batch.real, &batch.answers, &batch.asked})
    *tensor = slice_axis(*tensor, 1, first, last).contiguous();
  for (std::vector<const Question*>& row : batch.questions)
    row = {row.begin() + std::min<std::ptrdiff_t>(first, std::ssize(row)),
           row.begin() + std::min<std::ptrdiff_t>(last, std::ssize(row))};
}

Batch make_batch(std::span<const uint8_t> pixels, int64_t height, int64_t width,
                 const std::vector<std::vector<int32_t>>& tokens) {
  std::vector<Question> questions(tokens.size());
  PictureSample sample;
  sample.height = height;
  sample.width = width;
  for (uint8_t value : pixels) sample.pixels.push_back(scaled(value));
  for (size_t i = 0; i < tokens.size(); ++i) {
    questions[i].tokens = tokens[i];
    sample.questions.push_back(&questions[i]);
    sample.tokens = std::max(sample.tokens, static_cast<int64_t>(tokens[i].size()));
  }
  Batch batch = collate({sample});
  batch.questions.clear();  // the questions end here
  return batch;
}

}  // namespace weft::examples::vqa
