#include <weft/core/error.hpp>

#include <thread>

#include <catch2/catch.hpp>

using namespace weft;

TEST_CASE("errors start with the path of the open scopes") {
  REQUIRE(std::string(ShapeError("linear: wrong").what()) == "linear: wrong");
  ErrorScope outer("attend");
  {
    ErrorScope inner("key");
    REQUIRE(ErrorScope::path() == "attend.key");
    REQUIRE(std::string(ShapeError("expected inputs with 512 features, got [8, 64, 256]").what()) ==
            "attend.key: expected inputs with 512 features, got [8, 64, 256]");
  }
  REQUIRE(ErrorScope::path() == "attend");
  ErrorScope nameless("");
  REQUIRE(ErrorScope::path() == "attend");
}

TEST_CASE("scopes close when an error leaves them") {
  try {
    ErrorScope scope("layer");
    throw ValueError("bad");
  } catch (const Error& error) { REQUIRE(std::string(error.what()) == "layer: bad"); }
  REQUIRE(ErrorScope::path().empty());
}

TEST_CASE("scopes are a thread's own") {
  ErrorScope scope("here");
  std::string path = "unset";
  std::thread([&] { path = ErrorScope::path(); }).join();
  REQUIRE(path.empty());
}

TEST_CASE("every kind of error is an Error") {
  REQUIRE_THROWS_AS(throw IndexError("x"), Error);
  REQUIRE_THROWS_AS(throw FileError("x"), Error);
  REQUIRE_THROWS_AS(throw MemoryError("x"), std::runtime_error);
}
