#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/core/safetensors.hpp>

#include "../support/temporary_folder.hpp"
#include "runner/conform.hpp"
#include "runner/run.hpp"

using namespace weft;
using namespace weft::conformance;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;

namespace {

Tensor floats(const std::vector<float>& values) { return Tensor::from(values, {static_cast<int64_t>(values.size())}); }

/// A folder to which cases are written.
struct Cases {
  test::TemporaryFolder folder;

  void write(const std::string& name, const std::string& op, const std::string& config, const Named& tensors) const {
    write_safetensors((folder.path() / (name + ".safetensors")).string(), tensors,
                      {{"case", R"({"op": ")" + op + R"(", "config": )" + config +
                                    R"(, "tolerance": {"rtol": 1e-5, "atol": 1e-6}, "source": "test"})"}});
  }
  std::vector<Outcome> run(const std::string& filter = {}) const { return run_folder(folder.path().string(), filter); }
  std::string report(int expected, const std::string& skips = {}) const {
    std::ostringstream text;
    ConformOptions options{.folder = folder.path().string()};
    if (!skips.empty()) {
      options.skips = (folder.path() / "skips.txt").string();
      std::ofstream(options.skips) << skips;
    }
    CHECK(conform(options, text) == expected);
    return text.str();
  }
};

constexpr const char* prelu_config = R"({"negative_slope_init": 0.01})";

/// PReLU with slope 1/2 at -4 and 3.
Named prelu() {
  return {{"in.x", floats({-4, 3})},
          {"param.negative_slope", Tensor(0.5f)},
          {"out.y", floats({-2, 3})},
          {"cotangent.y", floats({1, 10})},
          {"grad.in.x", floats({0.5f, 10.0f})},
          {"grad.param.negative_slope", Tensor(-4.0f)}};
}

std::string call(const std::string& name, const std::string& function, const std::string& arguments = "{}") {
  return "\"" + name + R"(": {"function": ")" + function + R"(", "inputs": ["in.)" + name + R"("], "arguments": )" +
         arguments + "}";
}

}  // namespace

TEST_CASE("a case that agrees passes") {
  Cases cases;
  cases.write("prelu", "nnx.PReLU", prelu_config, prelu());
  std::vector<Outcome> outcomes = cases.run();
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].verdict == Verdict::passed);
  CHECK_THAT(cases.report(0), EndsWith("\n1 passed, 0 failed, 0 skipped\n"));
}

TEST_CASE("a corrupted expectation fails, whichever it is") {
  for (const char* corrupted : {"out.y", "grad.in.x", "grad.param.negative_slope"}) {
    Cases cases;
    Named tensors = prelu();
    Tensor changed = tensors[corrupted].copy();
    changed.mutable_data<float>()[0] += 0.25f;
    tensors[corrupted] = changed;
    cases.write("prelu", "nnx.PReLU", prelu_config, tensors);
    std::string report = cases.report(1);
    CHECK_THAT(report, Contains("FAILED") && Contains(std::string(corrupted) + " at [") && Contains("error 0.25"));
    CHECK_THAT(report, EndsWith("\n0 passed, 1 failed, 0 skipped\n"));
  }
}

TEST_CASE("results that cannot be compared fail") {
  Cases cases;
  auto one = [&](const std::string& name, const Tensor& x, const Tensor& expected) {
    cases.write(name, "elementwise", "{\"calls\": {" + call("f", "jnp.abs") + "}}", {{"in.f", x}, {"out.f", expected}});
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  one("dtype", Tensor::from<int32_t>({-1}, {1}), floats({1}));
  one("integer", Tensor::from<int32_t>({-1000000}, {1}), Tensor::from<int32_t>({1000001}, {1}));
  one("nan", floats({nan}), floats({1}));
  one("shape", floats({1, 2}), floats({1}));
  for (const Outcome& outcome : cases.run()) {
    CAPTURE(outcome.name);
    CHECK(outcome.verdict == Verdict::failed);
  }
}

TEST_CASE("what is not known is skipped by name") {
  Cases cases;
  Named more = prelu();
  more["in.gate"] = floats({1, 1});
  cases.write("op", "nnx.Mystery", "{}", prelu());
  cases.write("option", "nnx.PReLU", R"({"negative_slope_init": 0.01, "channels": [{"kind": 3}]})", prelu());
  cases.write("tensor", "nnx.PReLU", prelu_config, more);
  cases.write("value", "nnx.PReLU", R"({"negative_slope_init": "random"})", prelu());
  std::vector<Outcome> outcomes = cases.run();
  REQUIRE(outcomes.size() == 4);
  const std::vector<std::string> reasons{"op nnx.Mystery", "option channels.0.kind", "tensor in.gate", "random"};
  for (size_t i = 0; i < 4; ++i) {
    CHECK(outcomes[i].verdict == Verdict::skipped);
    CHECK_THAT(outcomes[i].reason, Contains(reasons[i]));
  }
  CHECK_THAT(cases.report(0), Contains("/op: op nnx.Mystery") && EndsWith("\n0 passed, 0 failed, 4 skipped\n"));
}

TEST_CASE("each call of a case counts by itself") {
  Cases cases;
  cases.write("calls", "elementwise",
              "{\"calls\": {" + call("right", "jnp.abs") + "," + call("wrong", "jnp.abs") + "," +
                  call("unknown", "jnp.mystery") + "," + call("argument", "jnp.abs", R"({"where": 3})") + "}}",
              {{"in.right", floats({-2})},
               {"out.right", floats({2})},
               {"in.wrong", floats({-2})},
               {"out.wrong", floats({-2})},
               {"in.unknown", floats({-2})},
               {"out.unknown", floats({2})},
               {"in.argument", floats({-2})},
               {"out.argument", floats({2})}});
  const std::map<std::string, Verdict> expected{{"right", Verdict::passed},
                                                {"wrong", Verdict::failed},
                                                {"unknown", Verdict::skipped},
                                                {"argument", Verdict::skipped}};
  std::vector<Outcome> outcomes = cases.run();
  CHECK(outcomes.size() == 4);
  for (const Outcome& outcome : outcomes) {
    const std::string name = outcome.name.substr(outcome.name.find(':') + 1);
    CAPTURE(name);
    CHECK(outcome.verdict == expected.at(name));
  }
  CHECK(cases.run("calls:wrong").size() == 1);
}

TEST_CASE("a tensor that belongs to no call is not passed over") {
  Cases cases;
  cases.write("calls", "elementwise", "{\"calls\": {" + call("f", "jnp.abs") + "}}",
              {{"in.f", floats({-2})}, {"out.f", floats({2})}, {"out.g", floats({2})}});
  std::vector<Outcome> outcomes = cases.run();
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[1].verdict == Verdict::skipped);
  CHECK_THAT(outcomes[1].reason, Contains("out.g"));
}

TEST_CASE("skips have to be expected where they are listed") {
  Cases cases;
  cases.write("op", "nnx.Mystery", "{}", prelu());
  const std::string name = cases.run()[0].name;
  cases.report(0, "# may be skipped\n" + name + "  # unknown\n");
  CHECK_THAT(cases.report(1, "other/op\n"), Contains("not among the expected skips: " + name));
}

TEST_CASE("files that are no cases fail, and nothing to run is an error") {
  Cases cases;
  CHECK_THROWS_AS(cases.run(), ValueError);
  std::ofstream(cases.folder.path() / "broken.safetensors") << "not a tensor";
  std::string report = cases.report(1);
  CHECK_THAT(report, Contains("broken") && EndsWith("\n0 passed, 1 failed, 0 skipped\n"));
  std::ostringstream text;
  CHECK_THROWS_AS(conform({.folder = cases.folder.path().string(), .filter = "mystery"}, text), ValueError);
  CHECK_THROWS_AS(conform({.folder = "/nowhere/at/all"}, text), FileError);
}
