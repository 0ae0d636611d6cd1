#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/examples/vqa/results_table.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using namespace weft::examples::vqa;
using test::TemporaryFolder;
using test::write_text;

namespace {

std::string metrics(const std::string& data, int seed, double accuracy, double group) {
  return "{\"data\": \"" + data + "\", \"seed\": " + std::to_string(seed) +
         ", \"test_accuracy\": " + std::to_string(accuracy) +
         ", \"test_accuracy_interval\": [0, 1], \"test_accuracy_total\": 7, \"test_accuracy_yes_no\": " +
         std::to_string(group) + ", \"test_accuracy_kind_left\": 0.5, \"pointing\": 0.25, \"minutes\": 3.25}";
}

}  // namespace

TEST_CASE("a table of several runs has their mean and spread") {
  TemporaryFolder folder;
  write_text(folder / "a.json", metrics("made", 3, 0.5, 0.75));
  write_text(folder / "b.json", metrics("made", 5, 0.7, 0.75));
  CHECK(results_table({folder / "a.json", folder / "b.json"}) ==
        "| seed | accuracy % | yes/no % | pointing % | minutes |\n|---|---|---|---|---|\n"
        "| 3 | 50.00 | 75.00 | 25.0 | 3.2 |\n"
        "| 5 | 70.00 | 75.00 | 25.0 | 3.2 |\n"
        "| mean ± sd | 60.00 ± 14.14 | 75.00 ± 0.00 | 25.0 ± 0.0 | 3.2 ± 0.0 |\n");
}

TEST_CASE("a table of runs names the file that is wrong") {
  TemporaryFolder folder;
  write_text(folder / "a.json", metrics("made", 3, 0.5, 0.75));
  write_text(folder / "other.json", metrics("other", 3, 0.5, 0.75));
  write_text(folder / "short.json", R"({"data": "made", "seed": 1})");
  write_text(folder / "broken.json", "{");
  CHECK_THROWS_AS(results_table({}), ValueError);
  CHECK_THROWS_AS(results_table({folder / "absent.json"}), FileError);
  CHECK_THROWS_AS(results_table({folder / "broken.json"}), FormatError);
  CHECK_THROWS_WITH(results_table({folder / "short.json"}),
                    Catch::Contains("short.json") && Catch::Contains("test_accuracy"));
  CHECK_THROWS_WITH(results_table({folder / "a.json", folder / "other.json"}), Catch::Contains("other.json: data"));
}
