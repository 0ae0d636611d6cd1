#include <weft/examples/vqa/batch.hpp>

#include <algorithm>

#include <weft/core/error.hpp>

namespace weft::examples::vqa {
namespace {

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

PictureSet::PictureSet(const Split& split, PictureOptions options) : split_(&split), options_(options) {
  int64_t longest = 0;
  for (const Question& question : split.questions)
    longest = std::max(longest, static_cast<int64_t>(question.tokens.size()));
  if (options_.tokens == 0) options_.tokens = longest;
  if (options_.tokens < longest)
    throw ValueError("PictureSet: tokens: expected at least " + std::to_string(longest) + ", got " +
                     std::to_string(options_.tokens));
  if (options_.questions_per_picture < 0)
    throw ValueError("PictureSet: questions_per_picture: expected at least 0, got " +
                     std::to_string(options_.questions_per_picture));
}

PictureSample PictureSet::get(int64_t index, RandomSequence& random) const {
  PictureSample sample;
  sample.height = split_->height;
  sample.width = split_->width;
  sample.tokens = options_.tokens;
  sample.rows = options_.questions_per_picture;
  bool mirrored = options_.mirror && random.chance(0.5);
  std::span<const uint8_t> pixels = split_->pixels_of(index);
  sample.pixels.resize(pixels.size());
  for (int64_t y = 0; y < sample.height; ++y)
    for (int64_t x = 0; x < sample.width; ++x)
      for (int64_t c = 0; c < 3; ++c) {
        int64_t from = mirrored ? sample.width - 1 - x : x;
        sample.pixels[static_cast<size_t>((y * sample.width + x) * 3 + c)] =
            scaled(pixels[static_cast<size_t>((y * sample.width + from) * 3 + c)]);
      }
  std::span<const Question> questions = split_->questions_of(index);
  int64_t count = static_cast<int64_t>(questions.size());
  sample.questions = draw(questions, sample.rows == 0 ? count : std::min(sample.rows, count), random);
  return sample;
}

Batch collate(const std::vector<PictureSample>& samples) {
  Batch batch;
  int64_t rows = samples.front().rows, tokens = samples.front().tokens, count = static_cast<int64_t>(samples.size());
  if (rows == 0)
    for (const PictureSample& sample : samples) rows = std::max(rows, static_cast<int64_t>(sample.questions.size()));

  std::vector<int32_t> words(static_cast<size_t>(count * rows * tokens), Vocabulary::pad);
  std::vector<int32_t> answers(static_cast<size_t>(count * rows), 0);
  batch.pictures = Tensor::empty({count, samples.front().height, samples.front().width, 3}, DType::float32, Device());
  batch.real = Tensor::empty({count, rows, tokens}, DType::boolean, Device());
  batch.asked = Tensor::empty({count, rows}, DType::boolean, Device());
  float* pixels = batch.pictures.mutable_data<float>();
  bool* asked = batch.asked.mutable_data<bool>();
  for (size_t i = 0; i < samples.size(); ++i) {
    const PictureSample& sample = samples[i];
    pixels = std::copy(sample.pixels.begin(), sample.pixels.end(), pixels);
    for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
      size_t at = i * static_cast<size_t>(rows) + row;
      asked[at] = row < sample.questions.size();
      int32_t* line = words.data() + at * static_cast<size_t>(tokens);
      line[0] = Vocabulary::answer;
      if (!asked[at]) continue;
      const Question& question = *sample.questions[row];
      std::copy(question.tokens.begin(), question.tokens.end(), line);
      answers[at] = question.answer;
    }
    batch.questions.push_back(sample.questions);
  }
  bool* real = batch.real.mutable_data<bool>();
  for (size_t i = 0; i < words.size(); ++i) real[i] = words[i] != Vocabulary::pad;
  batch.tokens = Tensor::from(words, {count, rows, tokens}, Device());
  batch.answers = Tensor::from(answers, {count, rows}, Device());
  return batch;
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
