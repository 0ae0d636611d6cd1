#include <catch2/catch.hpp>

#include <cmath>

#include <weft/core/error.hpp>
#include <weft/examples/vqa/recipes.hpp>
#include <weft/examples/vqa/vqa_v2.hpp>
#include <weft/tests/support/made_vqa_sets.hpp>

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::vqa;
using test::json;
using test::MadeVqaV2;

namespace {

const VqaV2Options small{.width = 12, .height = 8, .answers = 5, .word_count = 2};

/// What loading throws, without the path of the made folder.
std::string error_of(const MadeVqaV2& made) {
  made.write();
  try {
    load_vqa_v2(made.path(), small);
  } catch (const Error& error) {
    std::string text = error.what(), folder = made.path().string() + "/";
    size_t at = text.find(folder);
    return at == std::string::npos ? text : text.erase(at, folder.size());
  }
  return "no error";
}

float share_of(const Question& question, const DataSet& data, const std::string& answer) {
  for (const SoftAnswer& soft : question.soft)
    if (data.answers[static_cast<size_t>(soft.answer)] == answer) return soft.share;
  return 0;
}

}  // namespace

TEST_CASE("VQA v2's files become pictures with their questions") {
  MadeVqaV2 made;
  CHECK(has_vqa_v2(made.path()));
  CHECK_FALSE(has_vqa_v2(made / "train2014"));
  DataSet data = load_vqa_v2(made.path(), small);
  CHECK(data.name == "VQA v2");
  CHECK(data.answers == std::vector<std::string>{"red", "yes", "17", "blue", "no"});  // two each, then one each
  CHECK(data.kinds.size() == 3);
  CHECK(data.vocabulary.words() == std::vector<std::string>{"<unknown>", "box", "color", "is", "red", "the", "what"});
  REQUIRE(data.train.pictures == 3);
  CHECK(data.train.picture_numbers == std::vector<int64_t>{9, 25, 581929});
  CHECK(data.train.questions.size() == 7);
  CHECK(data.train.questions_of(0).size() == 3);
  CHECK(data.train.pixels.size() == 3 * 12 * 8 * 3);
  // The first picture was stored at twice the size and shows a red box in columns 2 to 6, rows 3 and 4.
  std::span<const uint8_t> pixels = data.train.pixels_of(0);
  CHECK(pixels[(4 * 12 + 4) * 3] > 230);
  CHECK(pixels[(4 * 12 + 4) * 3 + 2] < 25);
  CHECK(std::abs(pixels[3] - 128) < 3);

  // Words that are rare or only of the test are unknown: `how many boxes`, `tiny`, `blue`.
  CHECK(data.train.questions_of(0)[2].tokens == std::vector<int32_t>{Vocabulary::answer, 2, 2, 2});
  const Question& asked = data.test.questions[0];
  CHECK(asked.tokens == std::vector<int32_t>{Vocabulary::answer, 5, 7, 2, 3, 2});
  CHECK(data.answers[static_cast<size_t>(asked.answer)] == "no");
  CHECK(data.kinds[static_cast<size_t>(asked.kind)].name == "yes/no");
  CHECK(asked.soft.empty());
  REQUIRE(data.humans.size() == 2);
  CHECK(data.humans[0].question_id == 421);
  CHECK(data.humans[0].answers == MadeVqaV2::humans("no", 3, "yes!"));
}

TEST_CASE("soft labels share the credit among the known answers") {
  MadeVqaV2 made;
  made.annotations[0] = MadeVqaV2::annotation(90, 9, "other", "red", MadeVqaV2::humans("Red", 8, "Blue."));
  made.annotations[1] = MadeVqaV2::annotation(91, 9, "yes/no", "maybe", MadeVqaV2::humans("maybe", 9, "yes"));
  made.annotations[3] = MadeVqaV2::annotation(251, 25, "yes/no", "no", MadeVqaV2::humans("no", 10, ""));
  made.annotations[6] = MadeVqaV2::annotation(99, 9, "number", "18", MadeVqaV2::humans("18", 5, "19"));
  made.write();
  VqaV2Options options = small;
  options.answers = 4;  // of frequency 2: red; then, of 1 each by name, 18, blue, maybe, no, yes
  DataSet data = load_vqa_v2(made.path(), options);
  REQUIRE(data.answers == std::vector<std::string>{"red", "18", "blue", "maybe"});
  CHECK(data.soft_answers);
  std::span<const Question> first = data.train.questions_of(0);
  REQUIRE(first.size() == 3);
  CHECK(share_of(first[0], data, "red") == Approx(1 / (1 + 2. / 3)));
  CHECK(share_of(first[0], data, "blue") == Approx(2. / 3 / (1 + 2. / 3)));
  CHECK(first[1].soft.size() == 1);
  CHECK(share_of(first[1], data, "maybe") == 1);
  // A question none of whose answers is known is left out; where the people's choice is not, another stands for it.
  CHECK(data.train.questions_of(1).size() == 1);
  REQUIRE(data.train.questions_of(2).size() == 2);
  CHECK(data.train.questions_of(2)[1].answer == 3);
  CHECK(data.test.questions[0].answer == -1);

  Batch batch = collate({[&] {
    RandomSequence random(RandomKey{3});
    return PictureSet(data.train, {.soft_answers = 4}).get(0, random);
  }()});
  CHECK(batch.answers.shape() == Shape{1, 3, 4});
  std::vector<float> shares = batch.answers.to_vector<float>();
  CHECK(shares[0] == Approx(0.6));
  CHECK(shares[1] == 0);
  CHECK(shares[2] == Approx(0.4));
  CHECK(shares[7] == 1);
}

TEST_CASE("the official accuracy of VQA v2 comes by kind and type") {
  MadeVqaV2 made;
  DataSet data = load_vqa_v2(made.path(), small);
  auto place = [&](const std::string& answer) {
    const std::vector<std::string>& answers = data.answers;
    return static_cast<int32_t>(std::find(answers.begin(), answers.end(), answer) - answers.begin());
  };
  // Three of ten said no; all said red.
  OfficialAccuracy accuracy = official_accuracy(data, std::vector<int32_t>{place("no"), place("red")});
  CHECK(accuracy.all == Approx(0.95));
  CHECK(accuracy.of_kind[0] == Approx(0.9));
  CHECK(std::isnan(accuracy.of_kind[1]));
  CHECK(accuracy.of_kind[2] == 1);
  REQUIRE(accuracy.of_question_type.size() == 1);
  CHECK(accuracy.of_question_type[0].first == "what");
  CHECK(accuracy.of_question_type[0].second == Approx(0.95));
  CHECK(official_accuracy(data, std::vector<int32_t>{place("yes"), place("blue")}).all == Approx(0.5));
  CHECK_THROWS_WITH(official_accuracy(data, std::vector<int32_t>{0}),
                    "VQA v2: predictions: expected 2, one for each test question, got 1");

  write_vqa_results(made / "results.json", data, std::vector<int32_t>{place("no"), place("red")});
  CHECK(json::parse(test::read_text(made / "results.json")) ==
        json::parse(R"([{"question_id": 421, "answer": "no"}, {"question_id": 420, "answer": "red"}])"));
}

TEST_CASE("VQA v2's test split has no annotations") {
  MadeVqaV2 made;
  VqaV2Options options = small;
  options.test_split = "test-dev2015";
  DataSet data = load_vqa_v2(made.path(), options);
  REQUIRE(data.test.questions.size() == 1);
  CHECK(data.test.questions[0].answer == -1);
  CHECK(data.kinds[static_cast<size_t>(data.test.questions[0].kind)].name == "unknown");
  CHECK(data.humans[0].question_id == 7);
  CHECK(std::isnan(official_accuracy(data, std::vector<int32_t>{0}).all));
}

TEST_CASE("the first pictures of VQA v2 keep all answers and words") {
  MadeVqaV2 made;
  std::filesystem::remove(made / MadeVqaV2::picture("train2014", 25));  // not looked at
  VqaV2Options options = small;
  options.most_train_pictures = 1;
  DataSet data = load_vqa_v2(made.path(), options);
  CHECK(data.train.questions.size() == 3);
  CHECK(data.answers.size() == 5);
  CHECK(data.humans.size() == 2);
}

TEST_CASE("training on soft labels learns a made VQA v2") {
  MadeVqaV2 made;
  DataSet data = load_vqa_v2(made.path(), {.width = 16, .height = 16, .answers = 5, .word_count = 1});
  ModelOptions model_size = model_options(data);
  model_size.stages = {{8, 2}, {16, 2}};
  VqaModel model = make_model(data, model_size, 1);
  TrainingOptions options = training_options(data, {.preset = "quick", .seed = 1, .quiet = true});
  options.epochs = 40;
  options.warmup_steps = 2;
  options.learning_rate = 5e-3;
  options.evaluate_epochs = false;
  FitResult result = run_training(model, data, options);
  REQUIRE(result.finished);
  CHECK(evaluate(model, data, data.train).accuracy.all().share() == 1);
}

TEST_CASE("what is missing or malformed in VQA v2's files is named") {
  MadeVqaV2 made;
  const std::string question1 = "v2_OpenEnded_mscoco_train2014_questions.json row 1: ";
  const std::string note1 = "v2_mscoco_train2014_annotations.json row 1: ";
  SECTION("no folder") { CHECK_THROWS_AS(load_vqa_v2(made / "absent", small), FileError); }
  SECTION("no annotations") {
    std::filesystem::remove(made / MadeVqaV2::file("val2014", "annotations"));
    CHECK_THROWS_AS(load_vqa_v2(made.path(), small), FileError);
  }
  SECTION("a missing picture") {
    std::filesystem::remove(made / MadeVqaV2::picture("train2014", 581929));
    CHECK_THROWS_AS(load_vqa_v2(made.path(), small), FileError);
    CHECK_THAT(error_of(made), Catch::Contains("train2014/COCO_train2014_000000581929.jpg"));
  }
  SECTION("a picture that is cut short") {
    std::string path = MadeVqaV2::picture("val2014", 42), bytes = test::read_text(made / path);
    test::write_text(made / path, bytes.substr(0, bytes.size() * 3 / 4));
    CHECK_THAT(error_of(made), Catch::StartsWith(path + ": not a whole JPEG picture: "));
  }
  SECTION("a question that comes twice") {
    made.questions[1]["question_id"] = 90;
    CHECK(error_of(made) == question1 + "question_id: expected one that no earlier row has, got 90");
  }
  SECTION("an annotation that comes twice") {
    made.annotations[1]["question_id"] = 90;
    CHECK(error_of(made) == note1 + "question_id: expected one that no earlier row has, got 90");
  }
  SECTION("an annotation for an unknown question") {
    made.annotations[1]["question_id"] = 5;
    CHECK(error_of(made) == note1 +
                                "question_id: expected that of a question in "
                                "v2_OpenEnded_mscoco_train2014_questions.json, got 5");
  }
  SECTION("an annotation of another picture") {
    made.annotations[1]["image_id"] = 10;
    CHECK(error_of(made) ==
          note1 + "image_id: expected 9 as in v2_OpenEnded_mscoco_train2014_questions.json row 1, got 10");
  }
  SECTION("a question without annotation") {
    made.annotations.erase(1);
    CHECK(error_of(made) == question1 +
                                "question_id: expected an annotation in "
                                "v2_mscoco_train2014_annotations.json, got none for 91");
  }
  SECTION("a question without words") {
    made.questions[1]["question"] = "?!";
    CHECK(error_of(made) == question1 + "question: expected at least one word, got \"?!\"");
  }
  SECTION("a missing field") {
    made.questions[1].erase("image_id");
    CHECK(error_of(made) == question1 + "image_id: expected a field of that name");
  }
  SECTION("fields of wrong types") {
    made.questions[1]["image_id"] = "9";
    CHECK(error_of(made) == question1 + "image_id: expected an integer, got \"9\"");
    made.questions[1]["image_id"] = -9;
    CHECK(error_of(made) == question1 + "image_id: expected an integer of at least 0, got -9");
  }
  SECTION("an unknown answer type") {
    made.annotations[1]["answer_type"] = "essay";
    CHECK(error_of(made) == note1 + "answer_type: expected yes/no, number or other, got \"essay\"");
  }
  SECTION("no answers") {
    made.annotations[1]["answers"] = json::array();
    CHECK(error_of(made) == note1 + "answers: expected at least one, got []");
    made.annotations[1]["answers"] = {"yes"};
    CHECK(error_of(made) == note1 + "answers: expected a list of objects, got [\"yes\"]");
  }
  SECTION("JSON that ends early") {
    test::write_text(made / MadeVqaV2::file("val2014", "annotations"), R"({"annotations": [{"question_id")");
    try {
      load_vqa_v2(made.path(), small);
      FAIL("no error");
    } catch (const FormatError& error) {
      CHECK_THAT(error.what(), Catch::StartsWith("v2_mscoco_val2014_annotations.json: not valid JSON: "));
    }
  }
}
