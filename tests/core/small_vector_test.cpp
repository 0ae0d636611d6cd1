#include <weft/core/small_vector.hpp>

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <weft/core/recycle.hpp>

using namespace weft;

namespace {

using Texts = SmallVector<std::string, 2>;
const std::string long_text(100, 'x');

}  // namespace

TEST_CASE("a small vector grows out of its object and keeps its elements") {
  Texts texts;
  for (int i = 0; i < 37; ++i) {
    texts.push_back(long_text + std::to_string(i));
    REQUIRE(texts.size() == static_cast<size_t>(i + 1));
    REQUIRE(texts.front() == long_text + "0");
    REQUIRE(texts.back() == long_text + std::to_string(i));
  }
  texts.push_back(texts[3]);  // an element of its own, at full capacity or not
  REQUIRE(texts.back() == long_text + "3");
  texts.resize(5);
  texts.pop_back();
  REQUIRE(texts == Texts{long_text + "0", long_text + "1", long_text + "2", long_text + "3"});
  texts.resize(6);
  REQUIRE(texts[5].empty());
}

TEST_CASE("a full small vector takes a copy of its own element") {
  Texts texts{"a", long_text};
  texts.push_back(texts[1]);
  REQUIRE(texts[1] == long_text);
  REQUIRE(texts[2] == long_text);
}

TEST_CASE("small vectors copy and move, within the object and beyond") {
  for (size_t size : {0, 1, 2, 3, 9}) {
    Texts source(size, long_text);
    Texts copy = source;
    REQUIRE(copy == source);
    Texts moved = std::move(source);
    REQUIRE(moved == copy);
    REQUIRE(source.empty());
    source.push_back("again");
    REQUIRE(source.back() == "again");
    for (size_t other : {0, 2, 5}) {
      Texts target(other, "old");
      target = copy;
      REQUIRE(target == copy);
      target = Texts(other, "new");
      REQUIRE(target == Texts(other, "new"));
    }
  }
}

TEST_CASE("small vectors destroy their elements once") {
  auto counted = std::make_shared<int>(1);
  {
    SmallVector<std::shared_ptr<int>, 2> owners(3, counted);
    REQUIRE(counted.use_count() == 4);
    SmallVector<std::shared_ptr<int>, 2> others = std::move(owners);
    others.emplace_back(counted);
    REQUIRE(counted.use_count() == 5);
    others.clear();
    REQUIRE(counted.use_count() == 1);
    others.push_back(counted);
  }
  REQUIRE(counted.use_count() == 1);
}

TEST_CASE("recycled memory holds what it is asked for") {
  for (size_t size : {1, 8, 64, 65, 200, 1024, 1025, 5000}) {
    std::vector<unsigned char*> blocks;
    for (unsigned i = 0; i < 50; ++i) {
      blocks.push_back(static_cast<unsigned char*>(recycled_new(size)));
      std::fill(blocks.back(), blocks.back() + size, static_cast<unsigned char>(i));
    }
    for (unsigned i = 0; i < 50; ++i) {
      REQUIRE(blocks[i][0] == i);
      REQUIRE(blocks[i][size - 1] == i);
      recycled_delete(blocks[i], size);
    }
  }
}
