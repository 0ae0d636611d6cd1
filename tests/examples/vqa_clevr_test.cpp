#include <catch2/catch.hpp>

#include <png.h>

#include <weft/core/error.hpp>
#include <weft/examples/vqa/clevr.hpp>
#include <weft/tests/support/made_vqa_sets.hpp>

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::vqa;
using test::json;
using test::MadeClevr;

namespace {

const ClevrOptions small{.width = 20, .height = 10};

/// What loading throws, without the path of the made folder.
std::string error_of(const MadeClevr& made, const ClevrOptions& options = small) {
  made.write();
  try {
    load_clevr(made.path(), options);
  } catch (const Error& error) {
    std::string text = error.what(), folder = made.path().string() + "/";
    size_t at = text.find(folder);
    return at == std::string::npos ? text : text.erase(at, folder.size());
  }
  return "no error";
}

}  // namespace

TEST_CASE("CLEVR's files become pictures with their questions") {
  MadeClevr made;
  CHECK(has_clevr(made.path()));
  CHECK_FALSE(has_clevr(made / "images"));
  DataSet data = load_clevr(made.path(), small);
  CHECK(data.name == "CLEVR");
  CHECK(data.answers == std::vector<std::string>{"1", "blue", "no", "red", "yes"});
  CHECK(data.vocabulary.words() == std::vector<std::string>{"a", "any", "box", "boxes", "color", "how", "is", "many",
                                                            "of", "red", "the", "them", "there", "what"});
  CHECK(data.kinds.back().name == "equal_shape");
  REQUIRE(data.train.pictures == 3);
  REQUIRE(data.test.pictures == 2);
  CHECK(data.train.questions.size() == 9);
  CHECK(data.train.first_question == std::vector<int64_t>{0, 3, 6, 9});
  const Question& question = data.train.questions_of(1)[0];
  CHECK(question.text == "What color is the box?");
  CHECK(data.answers[static_cast<size_t>(question.answer)] == "blue");
  CHECK(data.kinds[static_cast<size_t>(question.kind)] == QuestionKind{"query_color", "query attribute"});
  CHECK(question.picture == 1);

  // true, false and integers of the generator are the release's yes, no and texts.
  std::span<const Question> asked = data.test.questions_of(1);
  CHECK(data.answers[static_cast<size_t>(asked[0].answer)] == "no");
  CHECK(data.answers[static_cast<size_t>(asked[1].answer)] == "1");
  CHECK(data.kinds[static_cast<size_t>(asked[1].kind)].group == "count");
  CHECK(data.answers[static_cast<size_t>(data.test.questions_of(0)[0].answer)] == "yes");
}

TEST_CASE("CLEVR's pictures are resized by area and their objects with them") {
  MadeClevr made;
  DataSet data = load_clevr(made.path(), small);
  // 60 x 40 to 20 x 10: pixels of 3 x 4. The box from (12, 15) covers one row of four in row 3 and all of rows 4 and 5,
  // and one row of row 6.
  std::span<const uint8_t> pixels = data.train.pixels_of(0);
  auto at = [&](int64_t x, int64_t y, int64_t c) { return pixels[static_cast<size_t>((y * 20 + x) * 3 + c)]; };
  CHECK(at(4, 4, 0) == 255);
  CHECK(at(4, 4, 1) == 0);
  CHECK(at(3, 4, 1) == 128);
  CHECK(at(4, 3, 1) == 96);
  CHECK(at(4, 6, 1) == 96);
  CHECK(at(9, 5, 2) == 0);
  CHECK(at(10, 5, 2) == 128);

  REQUIRE(data.train.objects_of(1).size() == 1);
  const PictureObject& object = data.train.objects_of(1)[0];
  CHECK(object.name == "large blue rubber cube");
  CHECK(object.x == Approx(9));
  CHECK(object.y == Approx(5));
  CHECK(object.half_size == Approx(0.7 * 35 / 32 * 20 / 10.5));
  CHECK(data.test.objects.empty());
  // At their own size they are as they were written.
  data = load_clevr(made.path(), {.width = 60, .height = 40});
  CHECK(std::equal(data.train.pixels.begin(), data.train.pixels.begin() + 60 * 40 * 3,
                   test::boxed({255, 0, 0}, 0).pixels.begin()));
}

TEST_CASE("CLEVR's test split has no answers") {
  MadeClevr made;
  DataSet data = load_clevr(made.path(), {.width = 20, .height = 10, .test_split = "test"});
  REQUIRE(data.test.questions.size() == 1);
  CHECK(data.test.questions[0].answer == -1);
  CHECK(data.kinds[static_cast<size_t>(data.test.questions[0].kind)].name == "unknown");
  CHECK(data.test.picture_numbers == std::vector<int64_t>{7});
}

TEST_CASE("the first pictures of CLEVR keep all answers and words") {
  MadeClevr made;
  std::filesystem::remove(made / ("images/train/" + MadeClevr::picture("train", 2)));  // not looked at
  DataSet data = load_clevr(made.path(), {.width = 4, .height = 4, .most_train_pictures = 1, .most_test_pictures = 1});
  CHECK(data.train.pictures == 1);
  CHECK(data.train.questions.size() == 3);
  CHECK(data.train.pixels.size() == 48);
  CHECK(data.train.objects.size() == 1);
  CHECK(longest_question(data) == 7);
  CHECK(data.test.pictures == 1);
  CHECK(data.answers.size() == 5);
}

TEST_CASE("every last function of CLEVR's programs has its kind") {
  for (const char* function :
       {"exist", "count", "equal_integer", "less_than", "greater_than", "query_shape", "query_color", "query_material",
        "query_size", "equal_shape", "equal_color", "equal_material", "equal_size"})
    CHECK(clevr_kind(function) >= 0);
  CHECK(clevr_kind("filter_color") == -1);
}

TEST_CASE("a CLEVR picture with transparency loses it") {
  MadeClevr made;
  DataSet before = load_clevr(made.path(), small);
  Image image = test::boxed({255, 0, 0}, 0);
  std::vector<uint8_t> opaque;
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    opaque.insert(opaque.end(), image.pixels.begin() + static_cast<int64_t>(i),
                  image.pixels.begin() + static_cast<int64_t>(i) + 3);
    opaque.push_back(255);
  }
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = 60;
  png.height = 40;
  png.format = PNG_FORMAT_RGBA;
  std::string path = (made / "images/train/CLEVR_train_000000.png").string();
  REQUIRE(png_image_write_to_file(&png, path.c_str(), 0, opaque.data(), 0, nullptr));
  CHECK(load_clevr(made.path(), small).train.pixels == before.train.pixels);
}

TEST_CASE("what is missing or malformed in CLEVR's files is named") {
  MadeClevr made;
  const std::string row1 = "CLEVR_train_questions.json row 1: ";
  SECTION("no folder") { CHECK_THROWS_AS(load_clevr(made / "absent", small), FileError); }
  SECTION("a missing picture") {
    std::filesystem::remove(made / "images/val/CLEVR_val_000001.png");
    CHECK_THROWS_AS(load_clevr(made.path(), small), FileError);
    CHECK_THAT(error_of(made), Catch::Contains("images/val/CLEVR_val_000001.png"));
  }
  SECTION("a file that is no picture") {
    test::write_text(made / "images/train/CLEVR_train_000002.png", "no picture");
    CHECK(error_of(made) == "images/train/CLEVR_train_000002.png: neither a PNG nor a JPEG picture");
  }
  SECTION("a picture of another size") {
    write_png(made / "images/train/CLEVR_train_000001.png", Image(60, 41));
    CHECK(error_of(made) ==
          "images/train/CLEVR_train_000001.png: expected 60 x 40 pixels like the pictures before it, got 60 x 41");
  }
  SECTION("JSON that ends early, or has another form") {
    auto write = [&](const char* text) {
      test::write_text(made / MadeClevr::train_file, text);
      try {
        load_clevr(made.path(), small);
      } catch (const FormatError& error) { return std::string(error.what()); }
      return std::string("no error");
    };
    CHECK_THAT(write(R"({"questions": [{"image_index": 1)"),
               Catch::StartsWith("CLEVR_train_questions.json: not valid JSON: "));
    CHECK(write("[]") == "CLEVR_train_questions.json: expected an object with a list `questions`, got a list");
    CHECK(write("5") == "CLEVR_train_questions.json: expected an object with a list `questions`, got 5");
    CHECK(write(R"({"info": {}})") == "CLEVR_train_questions.json: questions: expected a field of that name");
    CHECK(write(R"({"questions": 5})") == "CLEVR_train_questions.json: questions: expected a list of objects");
    CHECK(write(R"({"questions": [5]})") == "CLEVR_train_questions.json row 0: expected an object");
    CHECK(write(R"({"questions": []})") == "CLEVR_train_questions.json: questions: expected at least one");
  }
  SECTION("an answer missing in train") {
    made.train[1].erase("answer");
    CHECK(error_of(made) == row1 + "answer: expected a field of that name");
  }
  SECTION("an answer that no training question has") {
    made.val[3]["answer"] = 9;
    CHECK(error_of(made) ==
          "CLEVR_val_questions.json row 3: answer: expected one that a training question has, got \"9\"");
  }
  SECTION("an answer of another type") {
    made.train[1]["answer"] = 1.5;
    CHECK(error_of(made) == row1 + "answer: expected an integer, got 1.5");
  }
  SECTION("a word that no training question has") {
    made.val[0]["question"] = "Is there a sphere?";
    CHECK_THAT(error_of(made), Catch::StartsWith("CLEVR_val_questions.json row 0: question: unknown word \"sphere\""));
  }
  SECTION("a question without words") {
    made.train[1]["question"] = " ?";
    CHECK(error_of(made) == row1 + "question: expected at least one word, got \" ?\"");
  }
  SECTION("an index that comes twice") {
    made.train[1]["question_index"] = 0;
    CHECK(error_of(made) == row1 + "question_index: expected one that no earlier row has, got 0");
    made.train[1]["question_index"] = 1;
    made.scenes[1]["image_index"] = 0;
    CHECK(error_of(made) == "CLEVR_train_scenes.json row 1: image_index: expected one that no earlier row has, got 0");
  }
  SECTION("two pictures of one index") {
    made.train[1]["image_filename"] = "CLEVR_train_000009.png";
    CHECK(error_of(made) == row1 +
                                "image_filename: expected CLEVR_train_000000.png as in earlier rows of that "
                                "image_index, got \"CLEVR_train_000009.png\"");
    made.train[1]["image_filename"] = "../secret.png";
    CHECK(error_of(made) == row1 + "image_filename: expected the name of a file, got \"../secret.png\"");
  }
  SECTION("an unknown function") {
    made.train[1]["program"][1]["function"] = "guess";
    CHECK_THAT(error_of(made),
               Catch::StartsWith(row1 + "program: expected a last function that answers a question, got "));
    made.train[1]["program"] = json::array();
    CHECK(error_of(made) == row1 + "program: expected at least one step, got []");
    made.train[1]["program"] = 3;
    CHECK(error_of(made) == row1 + "program: expected a list of objects, got 3");
  }
  SECTION("a scene without places") {
    made.scenes[2]["objects"][0]["pixel_coords"] = {1, 2};
    CHECK(error_of(made) == "CLEVR_train_scenes.json row 2: pixel_coords: expected 3 numbers, got [1,2]");
  }
  SECTION("a size below one pixel") { CHECK_THROWS_AS(load_clevr(made.path(), {.width = 0}), ValueError); }
}
