#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>

#include <weft/core/error.hpp>
#include <weft/core/parallel.hpp>
#include <weft/examples/vqa/prior.hpp>
#include <weft/examples/vqa/sort_of_clevr.hpp>

using namespace weft;
using namespace weft::examples::vqa;
namespace soc = weft::examples::vqa::sort_of_clevr;
using soc::Kind;

namespace {

//  green .     . blue        red and yellow are squares, and blue; the others are circles
//      red .
//  gray .  yellow .  . orange
constexpr soc::Scene scene{
    {{20, 20, false}, {10, 10, true}, {60, 12, false}, {64, 64, true}, {10, 50, true}, {30, 50, false}}};
constexpr int64_t red = 0, green = 1, blue = 2, orange = 3, gray = 4, yellow = 5;

std::string said(const soc::Scene& of, const soc::Query& query, soc::Labels labels = soc::Labels::fixed) {
  return std::string(soc::answers[static_cast<size_t>(soc::answer(of, query, labels))]);
}
std::string said(Kind kind, int64_t first, int64_t second = 0) { return said(scene, {kind, first, second}); }

uint64_t checksum(const std::vector<uint8_t>& bytes) {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (uint8_t byte : bytes) hash = (hash ^ byte) * 1099511628211u;
  return hash;
}

}  // namespace

TEST_CASE("Sort-of-CLEVR's questions about one object") {
  CHECK(said(Kind::shape, red) == "rectangle");
  CHECK(said(Kind::shape, orange) == "circle");
  CHECK(said(Kind::left, yellow) == "yes");
  CHECK(said(Kind::left, blue) == "no");
  CHECK(said(Kind::top, blue) == "yes");
  CHECK(said(Kind::top, gray) == "no");
  soc::Scene middle = scene;
  middle[0].x = 37;  // 37 < 37.5 <= 38
  CHECK(said(middle, {Kind::left, red}) == "yes");
  middle[0].x = 38;
  CHECK(said(middle, {Kind::left, red}) == "no");
}

TEST_CASE("Sort-of-CLEVR's closest, furthest and same shape") {
  CHECK(said(Kind::closest, red) == "circle");  // green
  CHECK(soc::target(scene, {Kind::closest, red}) == green);
  CHECK(said(Kind::closest, gray) == "rectangle");  // yellow
  CHECK(said(Kind::furthest, green) == "circle");   // orange
  CHECK(soc::target(scene, {Kind::furthest, orange}) == green);
  CHECK(soc::target(scene, {Kind::shape, blue}) == blue);
  CHECK_FALSE(soc::target(scene, {Kind::same_shape, blue}).has_value());
  CHECK(said(Kind::same_shape, red) == "2");
  CHECK(said(Kind::same_shape, gray) == "2");
  soc::Scene alike = scene;
  for (soc::Object& object : alike) object.circle = true;
  CHECK(said(alike, {Kind::same_shape, yellow}) == "5");
  // Of two equally far, the lower number.
  soc::Scene tie = scene;
  tie[1] = {10, 20, true};
  tie[2] = {30, 20, false};
  CHECK(soc::target(tie, {Kind::closest, red}) == green);
}

TEST_CASE("Sort-of-CLEVR's questions about two objects") {
  CHECK(said(Kind::between, green, orange) == "4");  // all others; gray is on the border
  CHECK(said(Kind::between, gray, yellow) == "0");
  CHECK(said(Kind::line, green, orange) == "yes");  // red is on it
  CHECK(said(Kind::line, gray, yellow) == "no");    // y = 50, orange is 14 below
  soc::Scene near = scene;
  near[3] = {64, 62, true};
  CHECK(said(near, {Kind::line, gray, yellow}) == "yes");  // 12 below
  soc::Scene vertical = scene;
  vertical[2] = {10, 30, false};
  CHECK(said(vertical, {Kind::line, green, gray}) == "no");  // blue is 20 below green
  vertical[2] = {10, 22, false};
  CHECK(said(vertical, {Kind::line, green, gray}) == "yes");
  // With gray (10, 50) and yellow (30, 50): red (20, 20) is acute, green (10, 10) is right, blue, orange obtuse.
  CHECK(said(Kind::obtuse, gray, yellow) == "3");
  soc::Scene aligned = scene;
  aligned[3] = {60, 50, true};  // in line with them
  CHECK(said(aligned, {Kind::obtuse, gray, yellow}) == "2");
}

TEST_CASE("Sort-of-CLEVR's legacy labels call a lonely object the closest to itself") {
  // Orange: yellow is 34^2 + 14^2 = 1352 > 999 away.
  CHECK(soc::target(scene, {Kind::closest, orange}) == yellow);
  CHECK(soc::target(scene, {Kind::closest, orange}, soc::Labels::legacy) == orange);
  CHECK(said(scene, {Kind::closest, orange}) == "rectangle");
  CHECK(said(scene, {Kind::closest, orange}, soc::Labels::legacy) == "circle");
  CHECK(soc::target(scene, {Kind::closest, red}, soc::Labels::legacy) == green);
}

TEST_CASE("a Sort-of-CLEVR scene is drawn as the published generator draws it") {
  std::vector<uint8_t> pixels(75 * 75 * 3);
  soc::render(scene, pixels.data());
  auto at = [&](int64_t x, int64_t y) {
    size_t i = static_cast<size_t>((y * 75 + x) * 3);
    return std::array<int, 3>{pixels[i], pixels[i + 1], pixels[i + 2]};
  };
  const std::array<int, 3> white{255, 255, 255}, red_pixel{255, 0, 0}, green_pixel{0, 255, 0};
  CHECK(at(15, 25) == red_pixel);  // 11 x 11, corners and all
  CHECK(at(25, 15) == red_pixel);
  CHECK(at(26, 20) == white);
  CHECK(at(15, 10) == green_pixel);  // radius 5: the outermost pixel alone
  CHECK(at(15, 11) == white);
  CHECK(at(14, 13) == green_pixel);
  CHECK(at(14, 14) == white);
  CHECK(std::count(pixels.begin(), pixels.end(), uint8_t{255}) < 75 * 75 * 3);
}

TEST_CASE("Sort-of-CLEVR's published question code") {
  std::array<uint8_t, 18> bits = soc::code({Kind::line, blue, gray});
  std::vector<size_t> ones;
  for (size_t i = 0; i < bits.size(); ++i)
    if (bits[i]) ones.push_back(i);
  CHECK(ones == std::vector<size_t>{2, 10, 14, 16});
  bits = soc::code({Kind::furthest, yellow, 3});
  CHECK(std::count(bits.begin(), bits.end(), 1) == 3);
  CHECK(bits[5] + bits[13] + bits[16] == 3);
}

TEST_CASE("Sort-of-CLEVR's questions are English") {
  CHECK(sort_of_clevr_text({Kind::between, red, gray}) == "how many objects are between the red and the gray object");
  DataSet data = make_sort_of_clevr({.train_pictures = 3, .test_pictures = 2});
  CHECK(data.vocabulary.size() <= 42);
  CHECK(longest_question(data) == 12);  // eleven words and the answer token
  CHECK(data.groups() == std::vector<std::string>{"non-relational", "binary", "ternary"});
  CHECK(data.kinds.size() == 9);
  for (const Question& question : data.test.questions)
    for (const Mention& mention : question.mentions) {
      if (mention.token < 0) continue;
      int32_t word = question.tokens[static_cast<size_t>(mention.token)];
      CHECK(data.vocabulary.word(word) ==
            data.test.objects_of(question.picture)[static_cast<size_t>(mention.object)].name);
    }
}

TEST_CASE("Sort-of-CLEVR has the statistics of the published recipe") {
  constexpr int64_t scenes = 20011;
  std::map<Kind, std::array<double, 10>> shares;
  std::map<Kind, int64_t> totals;
  int64_t self = 0, flipped = 0, overlapping = 0;
  for (int64_t i = 0; i < scenes; ++i) {
    RandomSequence random(RandomKey{fold_in(5, static_cast<uint64_t>(i))});
    soc::Scene made = soc::draw_scene(random);
    bool overlap = false;
    for (size_t a = 0; a < made.size(); ++a)
      for (size_t b = 0; b < a; ++b) {
        int64_t dx = std::abs(made[a].x - made[b].x), dy = std::abs(made[a].y - made[b].y);
        if (dx * dx + dy * dy < 100) FAIL("too close");
        overlap |= dx <= 10 && dy <= 10;
      }
    overlapping += overlap;
    for (const soc::Query& query : soc::draw_queries(random)) {
      ++totals[query.kind];
      shares[query.kind][static_cast<size_t>(soc::answer(made, query))] += 1;
      if (soc::names_two(query.kind)) CHECK(std::max(query.first, query.second) < 5);
      if (query.kind != Kind::closest) continue;
      self += soc::target(made, query, soc::Labels::legacy) == query.first;
      flipped += soc::answer(made, query) != soc::answer(made, query, soc::Labels::legacy);
    }
  }
  for (auto& [kind, counts] : shares)
    for (double& count : counts) count /= static_cast<double>(totals[kind]);
  auto close = [](double share) { return Approx(share).margin(0.008); };
  for (Kind kind : {Kind::shape, Kind::closest, Kind::furthest}) CHECK(shares[kind][2] == close(0.5));
  for (Kind kind : {Kind::left, Kind::top, Kind::line}) CHECK(shares[kind][0] == close(0.5));
  const double same[] = {.032, .157, .312, .311, .156, .031}, between[] = {.690, .210, .073, .022, .004},
               obtuse[] = {.009, .084, .285, .404, .218};
  for (size_t i = 0; i < 6; ++i) CHECK(shares[Kind::same_shape][4 + i] == close(same[i]));
  for (size_t i = 0; i < 5; ++i) {
    CHECK(shares[Kind::between][4 + i] == close(between[i]));
    CHECK(shares[Kind::obtuse][4 + i] == close(obtuse[i]));
  }
  auto closest = static_cast<double>(totals[Kind::closest]);
  CHECK(static_cast<double>(self) / closest == Approx(0.069).margin(0.005));
  CHECK(static_cast<double>(flipped) / closest == Approx(0.035).margin(0.004));
  CHECK(static_cast<double>(overlapping) / scenes == Approx(0.357).margin(0.012));
}

TEST_CASE("without looking, Sort-of-CLEVR gives half of the answers") {
  DataSet data = make_sort_of_clevr({.fresh = false, .train_pictures = 1999, .test_pictures = 997});
  AccuracyByKind prior = QuestionOnlyPrior(data).accuracy(data.test);
  CHECK(prior.of_group("non-relational").share() == Approx(0.5).margin(0.03));
  CHECK(prior.of_group("binary").share() == Approx(0.437).margin(0.03));
  CHECK(prior.of_group("ternary").share() == Approx(0.532).margin(0.03));
}

TEST_CASE("Sort-of-CLEVR is the same bits for the same seed at any number of threads") {
  const int before = num_threads();
  SortOfClevrOptions options{.fresh = false, .seed = 3, .train_pictures = 131, .test_pictures = 67};
  set_num_threads(1);
  DataSet one = make_sort_of_clevr(options);
  set_num_threads(3);
  DataSet three = make_sort_of_clevr(options);
  set_num_threads(before);
  CHECK(one.train.pixels == three.train.pixels);
  CHECK(one.test.pixels == three.test.pixels);
  CHECK(one.train.pixels != one.test.pixels);
  bool same = one.train.questions.size() == three.train.questions.size();
  for (size_t i = 0; same && i < one.train.questions.size(); ++i)
    same = one.train.questions[i].tokens == three.train.questions[i].tokens &&
           one.train.questions[i].answer == three.train.questions[i].answer;
  CHECK(same);
  options.seed = 4;
  CHECK(make_sort_of_clevr(options).test.pixels != one.test.pixels);
  // The bits that any machine has to give.
  CHECK(checksum(one.test.pixels) == 0x813638ca9205c37c);
  CHECK(checksum(one.train.pixels) == 0x21363b04befa6ade);
  // The longer test set begins with the shorter one.
  options = {.seed = 3, .train_pictures = 3, .test_pictures = 71};
  std::vector<uint8_t> longer = make_sort_of_clevr(options).test.pixels;
  CHECK(std::equal(one.test.pixels.begin(), one.test.pixels.end(), longer.begin()));
}

TEST_CASE("fresh Sort-of-CLEVR pictures depend on their random numbers alone") {
  DataSet data = make_sort_of_clevr({.train_pictures = 2, .test_pictures = 2});
  REQUIRE(data.fresh);
  CHECK(data.train.pixels.empty());
  auto made = [&](uint64_t key) {
    RandomSequence random(RandomKey{key});
    return data.fresh(random);
  };
  CHECK(made(1).pixels == made(1).pixels);
  CHECK(made(1).pixels != made(2).pixels);
  CHECK(made(1).questions.size() == 30);
}

TEST_CASE("Sort-of-CLEVR's options have names") {
  CHECK(sort_of_clevr_protocol("paper").test_pictures == 200);
  CHECK_FALSE(sort_of_clevr_protocol("paper").fresh);
  CHECK(sort_of_clevr_protocol("fresh").fresh);
  CHECK_THROWS_AS(sort_of_clevr_protocol("old"), ValueError);
  CHECK(sort_of_clevr_labels("legacy") == soc::Labels::legacy);
  CHECK_THROWS_AS(sort_of_clevr_labels("none"), ValueError);
  CHECK_THROWS_AS(make_sort_of_clevr({.test_pictures = 0}), ValueError);
}
