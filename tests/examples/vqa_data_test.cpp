#include <catch2/catch.hpp>

#include <cstdlib>
#include <iostream>

#include <weft/core/error.hpp>
#include <weft/examples/common/png.hpp>
#include <weft/examples/vqa/data.hpp>
#include <weft/examples/vqa/object_mask.hpp>
#include <weft/examples/vqa/prior.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::vqa;
using test::TemporaryFolder;
using test::write_text;

namespace {

/// A light picture with one box.
Image picture(Rgb color, int64_t x, int64_t y, int64_t width, int64_t height) {
  Image image(64, 64, {240, 235, 250});
  paste(image, Image(width, height, color), x, y);
  return image;
}

/// Three training pictures (one without a question) and one test picture.
struct MadeSet : TemporaryFolder {
  MadeSet() {
    write_text(*this / "answers.txt", "yes\nno\nred\nblue\ncircle\nrectangle\n\n");
    write_text(
        *this / "train/questions.json",
        R"([["is there a red shape?", "yes", 4], ["what color is it?", "blue", 2], ["is there a red shape?", "no", 2],
                  ["What shape is it?", "rectangle", 4], ["is there a red shape?", "yes", 4]])");
    write_text(*this / "test/questions.json",
               R"([["is there a red shape?", "no", 0], ["what shape is it?", "rectangle", 0],
                  ["what color is it?", "red", 0], ["is it red?", "yes", 0]])");
    write_png(*this / "train/images/2.png", picture({0, 0, 255}, 8, 16, 10, 5));
    write_png(*this / "train/images/4.png", picture({255, 0, 0}, 40, 40, 24, 24));
    write_png(*this / "train/images/9.png", picture({255, 0, 0}, 1, 1, 2, 2));
    write_png(*this / "test/images/0.png", picture({255, 0, 0}, 0, 0, 8, 8));
  }

  std::string error() const {
    try {
      load_easy_vqa(path());
    } catch (const Error& error) {
      std::string text = error.what();
      REQUIRE(text.find(path().string() + "/") != std::string::npos);
      return text.substr(text.find(path().string()) + path().string().size() + 1);
    }
    return "no error";
  }
};

}  // namespace

TEST_CASE("easy-VQA's files become pictures with their questions") {
  MadeSet made;
  CHECK(has_easy_vqa(made.path()));
  DataSet data = load_easy_vqa(made.path());
  CHECK(data.answers == std::vector<std::string>{"yes", "no", "red", "blue", "circle", "rectangle"});
  CHECK(data.vocabulary.words() == std::vector<std::string>{"a", "color", "is", "it", "red", "shape", "there", "what"});
  CHECK(data.vocabulary.size() == 10);
  CHECK(longest_question(data) == 6);

  const Split& train = data.train;
  REQUIRE(train.pictures == 2);
  CHECK(train.picture_numbers == std::vector<int64_t>{2, 4});
  CHECK(train.height == 64);
  CHECK(train.pixels.size() == 2 * 64 * 64 * 3);
  CHECK(train.questions_of(0).size() == 2);
  REQUIRE(train.questions_of(1).size() == 3);
  const Question& question = train.questions_of(1)[1];
  CHECK(question.text == "What shape is it?");
  CHECK(question.tokens == std::vector<int32_t>{Vocabulary::answer, 9, 7, 4, 5});
  CHECK(question.answer == 5);
  CHECK(data.kinds[static_cast<size_t>(question.kind)].name == "shape");
  CHECK(question.picture == 1);
  CHECK(train.questions_of(0)[0].kind == easy_vqa_kind("red"));
  CHECK(train.questions_of(0)[1].kind == easy_vqa_kind("no"));
  // Pixel (40, 40) of picture 4, where its red box begins, and the one before it.
  CHECK(train.pixels_of(1)[(40 * 64 + 40) * 3] == 255);
  CHECK(train.pixels_of(1)[(40 * 64 + 40) * 3 + 1] == 0);
  CHECK(train.pixels_of(1)[(40 * 64 + 39) * 3 + 1] == 235);
}

TEST_CASE("the question-only prior is the training majority of each question") {
  MadeSet made;
  DataSet data = load_easy_vqa(made.path());
  QuestionOnlyPrior prior(data);
  CHECK(prior.answer(data.test.questions[0]) == 0);  // yes, 2 of 3
  CHECK(prior.answer(data.test.questions[2]) == 3);  // blue
  CHECK(prior.answer(data.test.questions[3]) == 0);  // never asked: the most frequent answer of all
  AccuracyByKind accuracy = prior.accuracy(data.test);
  CHECK(accuracy.all().hits == 2);
  CHECK(accuracy.all().share() == 0.5);
  CHECK(accuracy.of_group("shape").share() == 1);
  CHECK(accuracy.of_group("color").share() == 0);
  CHECK(prior.majority_accuracy(data.test) == 0.25);
}

TEST_CASE("what is missing or malformed in easy-VQA's files is named") {
  MadeSet made;
  SECTION("no folder") {
    CHECK_FALSE(has_easy_vqa(made / "absent"));
    CHECK_THROWS_AS(load_easy_vqa(made / "absent"), FileError);
  }
  SECTION("a missing picture") {
    std::filesystem::remove(made / "train/images/4.png");
    CHECK_THROWS_AS(load_easy_vqa(made.path()), FileError);
    CHECK_THAT(made.error(), Catch::StartsWith("train/images/4.png"));
  }
  SECTION("a corrupt picture") {
    write_text(made / "test/images/0.png", test::read_text(made / "test/images/0.png").substr(0, 60));
    CHECK_THROWS_AS(load_easy_vqa(made.path()), FormatError);
    CHECK_THAT(made.error(), Catch::StartsWith("test/images/0.png: not a whole PNG picture: "));
  }
  SECTION("a picture of another size") {
    write_png(made / "train/images/4.png", Image(32, 48));
    CHECK(made.error() == "train/images/4.png: expected 64 x 64 pixels like the pictures before it, got 32 x 48");
  }
  SECTION("JSON that ends early") {
    write_text(made / "train/questions.json", R"([["is there a red shape?", "yes", 4], ["what)");
    CHECK_THAT(made.error(), Catch::StartsWith("train/questions.json: not valid JSON: "));
  }
  SECTION("JSON of another form") {
    write_text(made / "train/questions.json", R"({"questions": []})");
    CHECK(made.error() == "train/questions.json: expected a list of questions");
  }
  SECTION("no question") {
    write_text(made / "test/questions.json", "[]");
    CHECK(made.error() == "test/questions.json: expected a list of questions, got an empty one");
  }
  SECTION("a missing field") {
    write_text(made / "train/questions.json", R"([["is there a red shape?", "yes", 4], ["what color is it?", "red"]])");
    CHECK(made.error() ==
          "train/questions.json: entry 1: expected [question, answer, picture number], got [\"what color is "
          "it?\",\"red\"]");
  }
  SECTION("fields of wrong types") {
    write_text(made / "train/questions.json", R"([["is there a red shape?", "yes", "4"]])");
    CHECK(made.error() ==
          "train/questions.json: entry 0: picture number: expected an integer of at least 0, got \"4\"");
    write_text(made / "train/questions.json", R"([["is there a red shape?", true, 4]])");
    CHECK(made.error() == "train/questions.json: entry 0: answer: expected a text, got true");
    write_text(made / "train/questions.json", R"([[null, "yes", 4]])");
    CHECK(made.error() == "train/questions.json: entry 0: question: expected a text, got null");
  }
  SECTION("an answer that is not listed") {
    write_text(made / "test/questions.json", R"([["what color is it?", "pink", 0]])");
    CHECK(made.error() == "test/questions.json: entry 0: answer: \"pink\" is not in the list of answers");
  }
  SECTION("a test word that training lacks") {
    write_text(made / "test/questions.json", R"([["is it gigantic?", "yes", 0]])");
    CHECK_THAT(made.error(), Catch::StartsWith("test/questions.json: entry 0: question: unknown word \"gigantic\""));
  }
  SECTION("answers that come twice, or not at all") {
    write_text(made / "answers.txt", "yes\nno\nyes\n");
    CHECK(made.error() == "answers.txt: the answer \"yes\" comes twice");
    write_text(made / "answers.txt", "\n\n");
    CHECK(made.error() == "answers.txt: expected one answer per line, got none");
  }
}

TEST_CASE("a question of the user's is split into known words or refused by name") {
  Vocabulary vocabulary = Vocabulary::of({"is there a red shape?", "what color?"});
  CHECK(split_words("  What's THE-color, of 3 shapes?? ") ==
        std::vector<std::string>{"what", "s", "the", "color", "of", "3", "shapes"});
  CHECK(vocabulary.encode("IS a\tcolor?!") == std::vector<int32_t>{1, 4, 2, 3});
  CHECK_THROWS_WITH(vocabulary.encode("is there a purple shape?"),
                    "unknown word \"purple\" in the question; the model knows: a, color, is, red, shape, there, what");
  CHECK_THROWS_WITH(vocabulary.encode("is there a größe?"), Catch::StartsWith("unknown word \"größe\""));
  CHECK_THROWS_AS(vocabulary.encode(" ?! "), ValueError);
  CHECK(vocabulary.word(Vocabulary::pad) == "<pad>");
  CHECK(vocabulary.word(Vocabulary::answer) == "<answer>");
  CHECK(vocabulary.word(4) == "is");
  CHECK_THROWS_AS(vocabulary.word(9), IndexError);
  CHECK_THROWS_AS(vocabulary.word(-1), IndexError);
  CHECK_THROWS_AS(Vocabulary({"a", "b", "a"}), ValueError);
}

TEST_CASE("the object's mask is where the shape is") {
  Image image = picture({200, 235, 250}, 8, 16, 10, 5);  // 40 away in one channel: still background
  std::vector<uint8_t> mask = object_mask(image.pixels, 64, 64);
  CHECK(std::count(mask.begin(), mask.end(), 1) == 0);
  image = picture({255, 255, 0}, 15, 16, 10, 5);
  mask = object_mask(image.pixels, 64, 64);
  CHECK(std::count(mask.begin(), mask.end(), 1) == 50);
  CHECK(mask[16 * 64 + 15] == 1);
  CHECK(mask[16 * 64 + 14] == 0);
  CHECK(mask[20 * 64 + 24] == 1);
  CHECK(mask[21 * 64 + 24] == 0);

  std::vector<uint8_t> cells = cells_on_mask(mask, 64, 64, 8, 8), expected(64);
  for (size_t column : {1u, 2u, 3u}) expected[2 * 8 + column] = 1;  // x 15..24, y 16..20
  CHECK(cells == expected);
  // Cells that do not divide the picture overlap its pixels at their borders.
  cells = cells_on_mask(mask, 64, 64, 3, 3);
  CHECK(cells == std::vector<uint8_t>{1, 1, 0, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("the real easy-VQA set has its published counts and prior") {
  const char* folder = std::getenv("WEFT_EASY_VQA");
  std::filesystem::path path = folder ? folder : WEFT_SOURCE_DIR "/data/easy-vqa";
  if (!folder && !has_easy_vqa(path)) {
    WARN("no easy-VQA data in " << path << " (examples/vqa/fetch_data.sh brings it): its counts were not checked");
    return;
  }
  DataSet data = load_easy_vqa(path);
  CHECK(data.train.pictures == 4000);
  CHECK(data.test.pictures == 1000);
  CHECK(data.train.questions.size() == 38575);
  CHECK(data.test.questions.size() == 9673);
  CHECK(data.answers.size() == 13);
  CHECK(data.vocabulary.words().size() == 26);
  CHECK(longest_question(data) == 10);
  QuestionOnlyPrior prior(data);
  AccuracyByKind accuracy = prior.accuracy(data.test);
  CHECK(accuracy.of_group("yes/no").total == 7136);
  CHECK(accuracy.all().share() == Approx(0.6700).margin(5e-5));
  CHECK(prior.majority_accuracy(data.test) == Approx(0.3733).margin(5e-5));
  // Shapes are 8 to 32 pixels wide; a triangle covers half its box.
  for (const Split* split : {&data.train, &data.test})
    for (int64_t i = 0; i < split->pictures; ++i) {
      std::vector<uint8_t> mask = object_mask(split->pixels_of(i), split->height, split->width);
      int64_t pixels = std::count(mask.begin(), mask.end(), 1);
      if (pixels < 24 || pixels > 34 * 34)
        FAIL("picture " << split->picture_numbers[static_cast<size_t>(i)] << ": " << pixels);
    }
}
