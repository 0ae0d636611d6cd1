#include <catch2/catch.hpp>

#include <set>

#include <weft/core/error.hpp>
#include <weft/core/file.hpp>
#include <weft/examples/hierarchical_fusion/digits_training.hpp>

#include "../support/temporary_folder.hpp"

using namespace weft;
using namespace weft::examples;
using namespace weft::examples::hierarchy;

namespace {

std::string line_of(int label, int pixel = 3) {
  std::string text;
  for (int i = 0; i < 64; ++i) text += std::to_string(i == 10 ? 16 : pixel) + ",";
  return text + std::to_string(label) + "\n";
}

/// The text of the FormatError that such a file gives.
std::string complaint(const std::string& text) {
  test::TemporaryFolder folder;
  write_file((folder.path() / "digits.csv").string(), text);
  try {
    load_digits(folder.path());
  } catch (const FormatError& error) { return error.what(); }
  return "";
}

}  // namespace

TEST_CASE("digits are read in the file's order and split in halves") {
  test::TemporaryFolder folder;
  CHECK_FALSE(has_digits(folder.path()));
  write_file((folder.path() / "digits.csv").string(), line_of(4) + line_of(0) + line_of(9) + line_of(7) + line_of(1));
  REQUIRE(has_digits(folder.path()));
  DigitSet set = load_digits(folder.path());
  REQUIRE(set.train.size() == 2);
  REQUIRE(set.test.size() == 3);
  CHECK(set.train[0].label == 4);
  CHECK(set.test[2].label == 1);
  CHECK(set.train[1].pixels.size() == 64);
  CHECK(set.train[1].pixels[10] == 16);
  CHECK(set.train[1].pixels[11] == 3);
}

TEST_CASE("malformed digits are refused with file line and column") {
  using Catch::Matchers::Contains;
  std::string good = line_of(1);
  CHECK_THAT(complaint(good + line_of(10)), Contains("digits.csv line 2 column 65: expected 0 to 9, got 10"));
  CHECK_THAT(complaint(good + line_of(1, 17)), Contains("line 2 column 1: expected 0 to 16, got 17"));
  CHECK_THAT(complaint(good + "1,2,3\n"), Contains("line 2 column 3: expected a comma"));
  CHECK_THAT(complaint("x" + good), Contains("line 1 column 1: expected a number, got 'x3'"));
  CHECK_THAT(complaint(good + good.substr(0, good.size() - 1) + ",5\n"),
             Contains("line 2 column 65: expected the end of the line"));
  CHECK_THAT(complaint(good + "\n" + good), Contains("line 2 column 1: expected a number"));
  CHECK_THAT(complaint(good), Contains("expected at least 2 lines, got 1"));
  CHECK_THAT(complaint(""), Contains("expected at least 2 lines, got 0"));
  test::TemporaryFolder empty;
  CHECK_THROWS_AS(load_digits(empty.path()), FileError);
}

TEST_CASE("shifting a digit moves its pixels and brings in zeros") {
  std::vector<uint8_t> pixels(64, 0);
  pixels[2 * 8 + 7] = 5;
  pixels[3 * 8 + 1] = 9;
  std::vector<uint8_t> moved = shifted(pixels, 1, -1);
  CHECK(moved[2 * 8 + 2] == 9);
  CHECK(std::count(moved.begin(), moved.end(), 0) == 63);  // the 5 left the picture
  CHECK(shifted(pixels, 0, 0) == pixels);
}

TEST_CASE("made digits depend on seed and number alone and cover all classes") {
  DigitSet set = made_digits(3, 101), same = made_digits(3, 47), other = made_digits(4, 47);
  REQUIRE(set.train.size() == 50);
  std::set<int32_t> labels;
  for (size_t i = 0; i < same.train.size(); ++i) {
    CHECK(set.train[i].pixels == same.train[i].pixels);
    labels.insert(set.train[i].label);
    for (uint8_t pixel : set.train[i].pixels) REQUIRE(pixel <= 16);
  }
  for (const Digit& digit : set.test) labels.insert(digit.label);
  CHECK(labels.size() == 10);
  CHECK(set.train[0].pixels != other.train[0].pixels);
}

TEST_CASE("branches alone have fewer parameters and every kind reads digits") {
  DigitBatch batch = collate(made_digits(1, 6).train);
  int64_t cross = num_parameters(make_digit_model({}, 0));
  for (Branches branches :
       {Branches::cross, Branches::late_sum, Branches::concat, Branches::small_only, Branches::large_only}) {
    INFO(name_of(branches));
    DigitModel model = make_digit_model({.branches = branches}, 1);
    eval(model);
    Tensor logits = model(batch.pictures);
    CHECK(logits.shape() == Shape{3, 10});
    CHECK(all(isfinite(logits)).item<bool>());
    if (branches != Branches::cross) CHECK(num_parameters(model) < cross);
    CHECK(branches_of(name_of(branches)) == branches);
  }
  CHECK_THROWS_AS(branches_of("attention"), ValueError);
}

TEST_CASE("a digits training learns and resumes with the same bits") {
  DigitSet set = made_digits(2, 162);
  DigitTrainingOptions options;
  options.epochs = 2;
  options.warmup_steps = 3;
  RunOptions run;
  run.quiet = true;
  DigitModel whole = make_digit_model(options.model, 0);
  double before = evaluate(whole, set.test).share();
  FitResult straight = train_digits(whole, set, options, run);
  CHECK(straight.history.column("loss")[1] < straight.history.column("loss")[0]);
  CHECK(before < 0.5);

  test::TemporaryFolder folder;
  run.out = folder.path();
  run.stop_at_step = 7;
  DigitModel first = make_digit_model(options.model, 0);
  CHECK_FALSE(train_digits(first, set, options, run).finished);
  run.stop_at_step = -1;
  run.resume = true;
  DigitModel second = make_digit_model(options.model, 0);
  CHECK(train_digits(second, set, options, run).history == straight.history);
  CHECK(evaluate(second, set.test).predictions == evaluate(whole, set.test).predictions);
}
