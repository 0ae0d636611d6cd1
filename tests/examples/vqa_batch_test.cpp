#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>

#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>
#include <weft/examples/vqa/batch.hpp>
#include <weft/examples/vqa/object_mask.hpp>
#include <weft/examples/vqa/prior.hpp>
#include <weft/examples/vqa/recipes.hpp>
#include <weft/examples/vqa/synthetic.hpp>
#include <weft/training/data_loader.hpp>

using namespace weft;
using namespace weft::examples::vqa;

namespace {

const DataSet& small_set() {
  static const DataSet data = make_synthetic({.seed = 3, .train_pictures = 211, .test_pictures = 53});
  return data;
}

std::vector<int> bits(const Tensor& tensor) {
  const bool* data = tensor.data<bool>();
  return {data, data + tensor.elements()};
}

}  // namespace

TEST_CASE("synthetic pictures look like easy-VQA's") {
  const DataSet& data = small_set();
  CHECK(data.train.pictures == 211);
  CHECK(data.test.pictures == 53);
  CHECK(data.answers.size() == 13);
  CHECK(data.vocabulary.words().size() == 26);  // those of easy-VQA
  CHECK(longest_question(data) <= 10);
  std::set<std::string> answers;
  for (int64_t i = 0; i < data.train.pictures; ++i) {
    std::vector<uint8_t> mask = object_mask(data.train.pixels_of(i), 64, 64);
    int64_t pixels = std::count(mask.begin(), mask.end(), 1);
    if (pixels < 24 || pixels > 34 * 34) FAIL("picture " << i << ": " << pixels << " pixels of shape");
    CHECK_FALSE(data.train.questions_of(i).empty());
    for (const Question& question : data.train.questions_of(i))
      answers.insert(data.answers[static_cast<size_t>(question.answer)]);
  }
  CHECK(answers.size() == 13);
  double per_picture = static_cast<double>(data.train.questions.size()) / 211;
  CHECK(per_picture > 8.6);  // 88 * 0.08 + 8 * 0.32 = 9.6, with a standard error of 0.2
  CHECK(per_picture < 10.6);
}

TEST_CASE("synthetic answers agree with the pictures") {
  const DataSet& data = small_set();
  std::map<std::string, std::array<int, 3>> colors{{"red", {255, 0, 0}}, {"blue", {0, 0, 255}}, {"black", {0, 0, 0}}};
  int checked = 0;
  for (const Question& question : data.train.questions) {
    std::string answer = data.answers[static_cast<size_t>(question.answer)];
    std::span<const uint8_t> pixels = data.train.pixels_of(question.picture);
    auto shows = [&](const std::array<int, 3>& color) {
      for (size_t i = 0; i < pixels.size(); i += 3)
        if (pixels[i] == color[0] && pixels[i + 1] == color[1] && pixels[i + 2] == color[2]) return true;
      return false;
    };
    for (const auto& [name, color] : colors) {
      bool expected = shows(color);
      if (question.kind == easy_vqa_kind("red")) CHECK((answer == name) == expected);
      if (question.text == "is there a " + name + " shape?") CHECK((answer == "yes") == expected);
      if (question.text == "is no " + name + " shape present?") CHECK((answer == "no") == expected);
      ++checked;
    }
  }
  CHECK(checked > 1000);
}

TEST_CASE("synthetic data depend on the seed alone", "[threads]") {
  int before = num_threads();
  set_num_threads(3);
  DataSet again = make_synthetic({.seed = 3, .train_pictures = 211, .test_pictures = 53});
  set_num_threads(before);
  CHECK(again.train.pixels == small_set().train.pixels);
  REQUIRE(again.train.questions.size() == small_set().train.questions.size());
  for (size_t i = 0; i < again.train.questions.size(); ++i)
    REQUIRE(again.train.questions[i].text == small_set().train.questions[i].text);
  CHECK(make_synthetic({.seed = 4, .train_pictures = 211, .test_pictures = 53}).train.pixels != again.train.pixels);
  // A smaller set is a part of the larger one.
  DataSet part = make_synthetic({.seed = 3, .train_pictures = 7, .test_pictures = 1});
  CHECK(std::equal(part.train.pixels.begin(), part.train.pixels.end(), again.train.pixels.begin()));
  CHECK_THROWS_AS(make_synthetic({.test_pictures = 0}), ValueError);
}

TEST_CASE("the prior of synthetic questions is far from what looking gives") {
  DataSet data = make_synthetic({.seed = 1, .train_pictures = 1000, .test_pictures = 500});
  double share = QuestionOnlyPrior(data).accuracy(data.test).all().share();
  CHECK(share > 0.60);  // easy-VQA's is 0.670
  CHECK(share < 0.72);
}

TEST_CASE("batches hold all questions of their pictures, padded") {
  const DataSet& data = small_set();
  PictureSet pictures(data.train);
  DataLoader loader(pictures, {.batch_size = 5});
  Batch batch = loader.batch_at(0, 1);
  int64_t rows = batch.tokens.size(1), tokens = batch.tokens.size(2);
  CHECK(batch.pictures.shape() == Shape{5, 64, 64, 3});
  CHECK(batch.answers.shape() == Shape{5, rows});
  std::vector<int32_t> words = batch.tokens.to_vector<int32_t>(), answers = batch.answers.to_vector<int32_t>();
  std::vector<int> real = bits(batch.real), asked = bits(batch.asked);
  int64_t most = 0;
  for (int64_t i = 0; i < 5; ++i) {
    auto questions = data.train.questions_of(5 + i);
    most = std::max(most, static_cast<int64_t>(questions.size()));
    for (int64_t row = 0; row < rows; ++row) {
      size_t at = static_cast<size_t>(i * rows + row);
      bool there = row < static_cast<int64_t>(questions.size());
      CHECK(asked[at] == there);
      std::vector<int32_t> expected(static_cast<size_t>(tokens), Vocabulary::pad);
      expected[0] = Vocabulary::answer;
      if (there) {
        const Question& question = questions[static_cast<size_t>(row)];
        std::copy(question.tokens.begin(), question.tokens.end(), expected.begin());
        CHECK(answers[at] == question.answer);
        CHECK(batch.questions[static_cast<size_t>(i)][static_cast<size_t>(row)] == &question);
      }
      for (size_t t = 0; t < expected.size(); ++t) {
        CHECK(words[at * static_cast<size_t>(tokens) + t] == expected[t]);
        CHECK(real[at * static_cast<size_t>(tokens) + t] == (expected[t] != Vocabulary::pad));
      }
    }
  }
  CHECK(rows == most);
  const float* pixels = batch.pictures.data<float>();
  CHECK(pixels[0] == static_cast<float>(data.train.pixels_of(5)[0]) / 127.5f - 1);
  CHECK(*std::max_element(pixels, pixels + batch.pictures.elements()) <= 1);
  CHECK(*std::min_element(pixels, pixels + batch.pictures.elements()) >= -1);
}

TEST_CASE("rows of a fixed length hold each question once, beside its picture") {
  const DataSet& data = small_set();
  PictureSet pictures(data.train, {.questions_per_row = 3});
  DataLoader loader(pictures, {.batch_size = 7});
  Batch batch = loader.batch_at(0, 0);
  int64_t rows = batch.row.size(0), tokens = batch.tokens.size(2);
  CHECK(rows % 8 == 0);
  CHECK(batch.tokens.shape() == Shape{rows, 3, tokens});
  CHECK(batch.pictures.size(0) == 7);
  std::vector<int32_t> row = batch.row.to_vector<int32_t>();
  std::vector<int> asked = bits(batch.asked);
  std::vector<const Question*> seen;
  for (size_t r = 0; r < batch.questions.size(); ++r)
    for (size_t q = 0; q < 3; ++q) {
      CHECK(asked[r * 3 + q] == (q < batch.questions[r].size()));
      if (q >= batch.questions[r].size()) continue;
      CHECK(batch.questions[r][q]->picture == row[r]);
      seen.push_back(batch.questions[r][q]);
    }
  auto all = data.train.questions_of(0);
  CHECK(seen.size() == static_cast<size_t>(data.train.first_question[7]));
  for (size_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == &all[i]);
}

TEST_CASE("logits do not depend on how questions are laid out in rows") {
  const DataSet& data = small_set();
  VqaModel model = make_model(data, model_options(data), 3);
  eval(model);
  auto logits_of = [&](PictureOptions options) {
    PictureSet pictures(data.train, options);
    DataLoader loader(pictures, {.batch_size = 5});
    Batch batch = loader.batch_at(0, 0);
    std::vector<float> all = model(batch.pictures, batch.row, batch.tokens, batch.real).to_vector<float>(), asked;
    std::vector<int> there = bits(batch.asked);
    size_t answers = all.size() / there.size();
    for (size_t i = 0; i < there.size(); ++i)
      if (there[i]) asked.insert(asked.end(), all.begin() + i * answers, all.begin() + (i + 1) * answers);
    return asked;
  };
  std::vector<float> whole = logits_of({}), split = logits_of({.questions_per_row = 3});
  REQUIRE(whole.size() == split.size());
  for (size_t i = 0; i < whole.size(); ++i) CHECK(split[i] == Approx(whole[i]).margin(1e-5));
}

TEST_CASE("a fixed number of questions is drawn anew each epoch, pictures are mirrored whole") {
  const DataSet& data = small_set();
  PictureSet pictures(data.train, {.tokens = 11, .questions_per_picture = 4, .mirror = true});
  DataLoader loader(pictures, {.batch_size = 211, .seed = 5});
  Batch first = loader.batch_at(0, 0), second = loader.batch_at(1, 0);
  CHECK(first.tokens.shape() == Shape{211, 4, 11});
  CHECK(first.tokens.to_vector<int32_t>() != second.tokens.to_vector<int32_t>());
  int mirrored = 0;
  for (int64_t i = 0; i < 211; ++i) {
    auto all = data.train.questions_of(i);
    const auto& chosen = first.questions[static_cast<size_t>(i)];
    CHECK(chosen.size() == std::min<size_t>(4, all.size()));
    CHECK(std::is_sorted(chosen.begin(), chosen.end()));
    CHECK(std::set<const Question*>(chosen.begin(), chosen.end()).size() == chosen.size());
    auto plain = data.train.pixels_of(i);
    const float* row = first.pictures.data<float>() + (i * 64 + 40) * 64 * 3;
    auto original = [&](int64_t x) {
      return static_cast<float>(plain[static_cast<size_t>((40 * 64 + x) * 3)]) / 127.5f - 1;
    };
    bool same = true, turned = true;
    for (int64_t x = 0; x < 64; ++x) {
      same = same && row[3 * x] == original(x);
      turned = turned && row[3 * x] == original(63 - x);
    }
    CHECK((same || turned));
    mirrored += turned && !same;
  }
  CHECK(mirrored > 10);
  CHECK_THROWS_WITH(PictureSet(data.train, {.tokens = 3}), Catch::StartsWith("PictureSet: tokens: expected at least "));
}

TEST_CASE("a question of the user's becomes a batch of one picture") {
  const DataSet& data = small_set();
  std::vector<std::vector<int32_t>> tokens{data.vocabulary.encode("is there a red shape?"),
                                           data.vocabulary.encode("what color?")};
  Batch batch = make_batch(data.test.pixels_of(0), 64, 64, tokens);
  CHECK(batch.pictures.shape() == Shape{1, 64, 64, 3});
  CHECK(batch.tokens.shape() == Shape{1, 2, 6});
  CHECK(bits(batch.real) == std::vector<int>{1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0});
  CHECK(bits(batch.asked) == std::vector<int>{1, 1});
}
