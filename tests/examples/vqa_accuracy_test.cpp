#include <catch2/catch.hpp>

#include <weft/core/error.hpp>
#include <weft/examples/vqa/vqa_accuracy.hpp>

using namespace weft::examples::vqa;

namespace {

/// Ten humans, `count` of whom gave `answer`.
std::vector<std::string> humans(const std::string& answer, int count, const std::string& others = "other") {
  std::vector<std::string> all(10, others);
  for (int i = 0; i < count; ++i) all[static_cast<size_t>(3 * i % 10)] = answer;
  return all;
}

}  // namespace

TEST_CASE("the official accuracy follows how many of ten humans agree") {
  const double expected[] = {0, 0.3, 0.6, 0.9, 1, 1, 1, 1, 1, 1, 1};
  for (int count = 0; count <= 10; ++count) {
    INFO(count << " agree");
    CHECK(official_accuracy("red", humans("red", count)) == expected[count]);
  }
  // Three humans, two of whom agree: (1/3 + 1/3 + 2/3) / 3.
  CHECK(official_accuracy("red", {"red", "red", "blue"}) == Approx(4. / 9));
  CHECK_THROWS_AS(official_accuracy("red", {}), weft::ValueError);
}

TEST_CASE("both sides are normalised unless all humans say the same") {
  CHECK(official_accuracy("Yes!", humans("yes", 9, "no")) == 1);
  CHECK(official_accuracy("yes", humans("YES.", 4)) == 1);
  CHECK(official_accuracy("the 2", humans("two", 3)) == 0.9);
  CHECK(official_accuracy("dont walk", humans("don't walk", 5)) == 1);
  // Unanimous: as it stands, but for outer spaces.
  CHECK(official_accuracy("yes!", humans("yes", 10)) == 0);
  CHECK(official_accuracy("Yes", humans("yes", 10)) == 0);
  CHECK(official_accuracy(" yes\n", humans("yes", 10)) == 1);
  CHECK(official_accuracy("yes!", humans("yes", 5, "yes\n")) == 0);  // outer spaces do not count
  CHECK(official_accuracy("2", humans("two", 10)) == 0);
}

TEST_CASE("marks are removed beside a space and become spaces elsewhere") {
  CHECK(strip_punctuation("t-shirt") == "t shirt");
  CHECK(strip_punctuation("red, white") == "red white");
  CHECK(strip_punctuation("red,white") == "red white");
  CHECK(strip_punctuation("red- and-blue") == "red andblue");  // one hyphen touches a space, so all are removed
  CHECK(strip_punctuation("yes?") == "yes ");
  CHECK(strip_punctuation("1,000 m/s") == "1000 ms");  // digits around a comma remove every mark
  CHECK(strip_punctuation("a;b/c[d]e\"f{g}h(i)j=k+l\\m_n-o>p<q@r`s,t?u!v") ==
        "a b c d e f g h i j k l m n o p q r s t u v");
  CHECK(strip_punctuation("it's 5:30 & 10%") == "it's 5:30 & 10%");  // these stay
  CHECK(strip_punctuation("") == "");
}

TEST_CASE("periods go unless a digit follows") {
  CHECK(strip_punctuation("3.5") == "3.5");
  CHECK(strip_punctuation("u.s.a.") == "usa");
  CHECK(strip_punctuation("room .5") == "room .5");
  CHECK(strip_punctuation("no 5.") == "no 5");
  CHECK(strip_punctuation("5. street") == "5 street");
  CHECK(strip_punctuation(std::string(40, '.')) == std::string(8, '.'));  // 32 at most
}

TEST_CASE("words are put into lower case, numbers into digits, and articles dropped") {
  CHECK(simplify_words("The  Two a an DOGS") == "2 dogs");
  CHECK(simplify_words("none zero one two three four five six seven eight nine ten eleven") ==
        "0 0 1 2 3 4 5 6 7 8 9 10 eleven");
  CHECK(simplify_words("the") == "");
  CHECK(simplify_words("\ttheater \n") == "theater");
  CHECK(simplify_words("aint cant dont youre oclock twas") == "ain't can't don't you're o'clock 'twas");
  CHECK(simplify_words("couldnt've couldn'tve couldntve") == "couldn't've couldn't've couldntve");
  CHECK(simplify_words("ow's'at 'ows'at 'ow'sat y'all'dve") == "'ow's'at 'ow's'at 'ow's'at y'all'd've");
  CHECK(simplify_words("somebody'd shes im let's") == "somebodyd shes im let's");
  CHECK(normalized_answer(" The T-shirt.\n") == "t shirt");
}

TEST_CASE("soft labels give a third for each human up to three") {
  CHECK(soft_credit(0) == 0);
  CHECK(soft_credit(1) == Approx(1. / 3));
  CHECK(soft_credit(2) == Approx(2. / 3));
  CHECK(soft_credit(3) == 1);
  CHECK(soft_credit(10) == 1);
}
