#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/examples/common/json_rows.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using namespace weft::examples;
using test::TemporaryFolder;

namespace {

std::vector<std::string> names(const TemporaryFolder& folder, const char* text, const std::string& list = "") {
  test::write_text(folder / "rows.json", text);
  std::vector<std::string> found;
  auto visit = [&](const JsonRow& row) { found.push_back(row.source() + ' ' + row.text("name")); };
  if (list.empty()) for_each_row(folder / "rows.json", visit);
  else for_each_row(folder / "rows.json", list, visit);
  return found;
}

}  // namespace

TEST_CASE("rows of a JSON list come one after another") {
  TemporaryFolder folder;
  std::vector<std::string> expected{"rows.json row 0 a", "rows.json row 1 b"};
  CHECK(names(folder, R"([{"name": "a"}, {"name": "b"}])") == expected);
  CHECK(names(folder, "[]").empty());
  CHECK(names(folder, R"({"x": [{"name": "no"}, [1]], "it": [{"name": "a", "it": []}, {"name": "b"}], "y": 3})",
              "it") == expected);
  CHECK(names(folder, R"({"it": []})", "it").empty());
}

TEST_CASE("JSON without the rows that were asked for is refused") {
  TemporaryFolder folder;
  CHECK_THROWS_WITH(names(folder, "{}"), "rows.json: expected a list of objects, got an object");
  CHECK_THROWS_WITH(names(folder, "7"), "rows.json: expected a list of objects, got 7");
  CHECK_THROWS_WITH(names(folder, "[[]]"), "rows.json row 0: expected an object");
  CHECK_THROWS_WITH(names(folder, "[", ""), Catch::StartsWith("rows.json: not valid JSON: "));
  CHECK_THROWS_WITH(names(folder, "{}", "it"), "rows.json: it: expected a field of that name");
  CHECK_THROWS_WITH(names(folder, R"({"it": {"name": "a"}})", "it"), "rows.json: it: expected a list of objects");
  CHECK_THROWS_WITH(names(folder, R"({"it": [null]})", "it"), "rows.json row 0: expected an object");
  CHECK_THROWS_WITH(names(folder, R"({"x": {"it": []}})", "it"), "rows.json: it: expected a field of that name");
  CHECK_THROWS_AS(for_each_row(folder / "absent.json", [](const JsonRow&) {}), FileError);
}

TEST_CASE("fields of JSON rows are read by type") {
  TemporaryFolder folder;
  test::write_text(
      folder / "rows.json",
      R"([{"n": 1.5, "i": 3, "b": true, "t": "", "l": [1, 2], "m": [[1, 2]], "o": [{"i": 4}], "s": ["x"]}])");
  for_each_row(folder / "rows.json", [](const JsonRow& row) {
    CHECK(row.number("n") == 1.5);
    CHECK(row.integer("i") == 3);
    CHECK(row.boolean("b"));
    CHECK(row.text("t").empty());
    CHECK(row.numbers("l", 2) == std::vector<double>{1, 2});
    CHECK(row.matrix("m", 1, 2) == std::vector<double>{1, 2});
    CHECK(row.texts("s") == std::vector<std::string>{"x"});
    REQUIRE(row.rows("o").size() == 1);
    CHECK(row.rows("o")[0].integer("i") == 4);
    CHECK(row.dump("l") == "[1,2]");
    CHECK(row.has("n"));
    CHECK_FALSE(row.has("absent"));
    CHECK_THROWS_WITH(row.integer("n"), "rows.json row 0: n: expected an integer, got 1.5");
    CHECK_THROWS_WITH(row.token("t"), "rows.json row 0: t: expected a token, got \"\"");
    CHECK_THROWS_WITH(row.numbers("l", 3), "rows.json row 0: l: expected 3 numbers, got [1,2]");
    CHECK_THROWS_WITH(row.rows("s"), "rows.json row 0: s: expected a list of objects, got [\"x\"]");
    CHECK_THROWS_WITH(row.text("absent"), "rows.json row 0: absent: expected a field of that name");
  });
}
