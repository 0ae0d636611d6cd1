#include <weft/examples/common/run_table.hpp>

#include <catch2/catch.hpp>

using namespace weft::examples;
using Json = nlohmann::ordered_json;

TEST_CASE("a table of runs stands in the order of their kinds, with means and spreads") {
  RunTable table("fusion", {{"mAP", "map"}, {"parameters", "parameters", 1, 0}, {"gain", "gain", 1, 2}});
  table.add("late", Json{{"seed", 3}, {"map", 0.25}, {"parameters", 1001}, {"gain", nullptr}});
  table.add("mean", Json{{"seed", 0}, {"map", 0.5}, {"parameters", 999}, {"gain", 1.5}});
  table.add("late", Json{{"seed", 1}, {"map", 0.75}, {"parameters", 1001}, {"gain", 2}});
  CHECK(table.all_runs() ==
        "| fusion | seed | mAP | parameters | gain |\n|---|---|---|---|---|\n"
        "| late | 3 | 25.0 | 1001 | - |\n"
        "| late | 1 | 75.0 | 1001 | 2.00 |\n"
        "| late | mean ± sd | 50.0 ± 35.4 | 1001 | - |\n"
        "| mean | 0 | 50.0 | 999 | 1.50 |\n");
  CHECK(table.means() ==
        "| fusion | late | mean |\n|---|---|---|\n"
        "| runs | 2 | 1 |\n"
        "| mAP | 50.0 ± 35.4 | 50.0 |\n"
        "| parameters | 1001 | 999 |\n"
        "| gain | - | 1.50 |\n");
}

TEST_CASE("a table of runs that are all of one kind has no column for it") {
  RunTable table("", {{"accuracy %", "accuracy", 100, 2}});
  CHECK(table.all_runs() == "| seed | accuracy % |\n|---|---|\n");
  table.add("", Json{{"seed", 7}, {"accuracy", 0.125}});
  CHECK(table.all_runs() == "| seed | accuracy % |\n|---|---|\n| 7 | 12.50 |\n");
}
