#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include <weft/core/error.hpp>
#include <weft/examples/common/csv.hpp>
#include <weft/examples/common/metrics_json.hpp>
#include <weft/examples/common/statistics.hpp>
#include <weft/tests/support/temporary_folder.hpp>

using namespace weft;
using namespace weft::examples;

TEST_CASE("metrics.json holds what was set, in order") {
  test::TemporaryFolder folder;
  MetricsFile metrics;
  metrics.set_run(7, 4);
  metrics.set_share("test_accuracy", 9650, 9673);
  metrics.set("seconds", 1.0);
  metrics.set("seconds", 12.5);
  metrics.set("broken", std::numeric_limits<double>::infinity());
  metrics.set("device", "cpu");
  metrics.set_flag("preset", std::string("full"));
  metrics.write(folder / "out/metrics.json");

  auto json = nlohmann::ordered_json::parse(test::read_text(folder / "out/metrics.json"));
  CHECK(json.begin().key() == "seed");
  CHECK(json["seed"] == 7);
  CHECK(json["threads"] == 4);
  CHECK(json["commit"].get<std::string>() == source_commit());
  CHECK(json["test_accuracy"].get<double>() == 9650.0 / 9673);
  CHECK(json["test_accuracy_total"] == 9673);
  CHECK(json["test_accuracy_interval"].size() == 2);
  CHECK(json["seconds"] == 12.5);
  CHECK(json["broken"].is_null());
  CHECK(json["device"] == "cpu");
  CHECK(json["flags"]["preset"] == "full");

  CHECK(read_metrics(folder / "out/metrics.json")["seconds"] == 12.5);
  CHECK(read_metrics(folder / "out") == read_metrics(folder / "out/metrics.json"));
  CHECK_THROWS_AS(read_metrics(folder / "absent.json"), FileError);
  test::write_text(folder / "bad.json", "{\"seconds\": 1");
  CHECK_THROWS_WITH(read_metrics(folder / "bad.json"), Catch::Contains("bad.json"));
}

TEST_CASE("the commit is a hash or said to be unknown") {
  std::string commit = source_commit();
  INFO(commit);
  CHECK((commit == "unknown" || commit.find_first_not_of("0123456789abcdef") >= 40));
}

TEST_CASE("Wilson's interval is that of the tables") {
  Interval interval = wilson_interval(8, 10);
  CHECK(interval.low == Approx(0.4901625).margin(1e-6));
  CHECK(interval.high == Approx(0.9433178).margin(1e-6));
  CHECK(wilson_interval(0, 10).low == 0);
  CHECK(wilson_interval(10, 10).high == Approx(1));
  CHECK(wilson_interval(0, 0).high == 1);
}

TEST_CASE("CSV comes back as it was written") {
  test::TemporaryFolder folder;
  CsvTable table({"step", "loss, train", "a \"b\""});
  table.add({1, 0.1, 1e-30});
  table.add({2, -2.5, 1.0 / 3});
  table.write(folder / "curves.csv");
  CHECK(test::read_text(folder / "curves.csv").substr(0, 36) == "step,\"loss, train\",\"a \"\"b\"\"\"\n1,0.1,1");
  CsvTable back = CsvTable::read(folder / "curves.csv");
  CHECK(back.text() == table.text());
  CHECK(back.column("a \"b\"") == std::vector<double>{1e-30, 1.0 / 3});
  CHECK_THROWS_AS(back.column("none"), ValueError);
  CHECK_THROWS_AS(table.add({1}), ValueError);
  test::write_text(folder / "bad.csv", "a,b\n1,2\n3,x\n");
  CHECK_THROWS_WITH(CsvTable::read(folder / "bad.csv"), Catch::EndsWith("bad.csv: line 3: expected a number, got x"));
  test::write_text(folder / "short.csv", "a,b\n1\n");
  CHECK_THROWS_AS(CsvTable::read(folder / "short.csv"), FormatError);
}
