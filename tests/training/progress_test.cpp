#include <catch2/catch.hpp>

#include <sstream>
#include <string>
#include <vector>

#include <weft/training/data_loader.hpp>
#include <weft/training/progress.hpp>

using namespace weft;

namespace {

/// A clock that the test sets, and the text that the bar wrote.
struct Bench {
  double seconds = 0;
  std::ostringstream text;

  ProgressOptions options(bool terminal, int width = 80) {
    ProgressOptions options;
    options.stream = &text;
    options.terminal = terminal;
    options.width = width;
    options.clock = [this] { return seconds; };
    return options;
  }
  std::vector<std::string> pieces(char separator) const {
    std::vector<std::string> result;
    std::istringstream stream(text.str());
    for (std::string piece; std::getline(stream, piece, separator);) result.push_back(piece);
    return result;
  }
};

}  // namespace

TEST_CASE("progress writes few plain lines where the output is no terminal") {
  Bench bench;
  {
    ProgressBar bar("epoch 1", 100, bench.options(false));
    for (int i = 0; i < 100; ++i) {
      bench.seconds += 0.25;
      bar.advance();
      bar.set("loss", 1.0 / (i + 1));
    }
  }
  std::vector<std::string> lines = bench.pieces('\n');
  REQUIRE(lines.size() == 3);  // after 10 s, after 20 s, at the end
  CHECK(lines[0] == "epoch 1   40% 40/100  4.0/s  0:15 left  loss 0.02564");
  CHECK(lines[1] == "epoch 1   80% 80/100  4.0/s  0:05 left  loss 0.01266");
  CHECK(lines[2] == "epoch 1  100% 100/100  4.0/s  0:25  loss 0.01");
  CHECK(bench.text.str().find('\r') == std::string::npos);
  CHECK(bench.text.str().find('\x1b') == std::string::npos);
}

TEST_CASE("progress draws one line on a terminal, at most ten times a second, within its width") {
  Bench bench;
  {
    ProgressBar bar("epoch 1", 1000, bench.options(true, 72));
    for (int i = 0; i < 1000; ++i) {
      bench.seconds += 0.001;
      bar.advance();
      bar.set("loss", 0.5);
    }
  }
  std::vector<std::string> drawings = bench.pieces('\r');
  CHECK(drawings.size() >= 10);
  CHECK(drawings.size() <= 12);
  for (std::string drawing : drawings) {
    if (drawing.empty()) continue;
    size_t end = drawing.find("\x1b[K");
    REQUIRE(end != std::string::npos);
    CHECK(end <= 71);
  }
  CHECK(drawings[5].find("[=") != std::string::npos);
  std::string text = bench.text.str();
  CHECK(text.find('\n') == text.size() - 1);

  Bench narrow;
  {
    ProgressBar bar("a long label of an epoch", 10, narrow.options(true, 20));
    bar.advance();
  }
  CHECK(narrow.text.str().substr(1).find("\x1b[K") == 19);
}

TEST_CASE("progress tells the time left from the steps made now, not from those of an earlier run") {
  Bench bench;
  ProgressBar bar("resumed", 100, bench.options(false), 60);
  bench.seconds = 20;
  bar.advance(20);
  CHECK(bench.text.str() == "resumed   80% 80/100  1.0/s  0:20 left\n");
  bar.finish();
  bar.finish();
  CHECK(bench.pieces('\n').size() == 2);
}

TEST_CASE("progress wraps a range, with values and an early end") {
  Bench bench;
  std::vector<int> numbers{1, 2, 3, 4};
  int sum = 0;
  for (int& number : progress(numbers, "numbers", bench.options(false))) sum += number++;
  CHECK(sum == 10);
  CHECK(numbers == std::vector<int>{2, 3, 4, 5});
  CHECK(bench.text.str() == "numbers  100% 4/4  0:00\n");

  Bench early;
  auto steps = progress(std::vector<int>{1, 2, 3, 4}, "early", early.options(false));
  for (int number : steps) {
    early.seconds += 2;
    steps.set("number", number);
    if (number == 3) break;
  }
  CHECK(early.text.str() == "early   50% 2/4  3.0 s each  0:06  number 3\n");
}

TEST_CASE("progress over a loader starts where the loader stands") {
  std::vector<int32_t> data(10);
  DataLoader loader(data, {.batch_size = 2});
  DataLoaderState state = loader.state();
  state.batch = 3;
  loader.restore(state);
  Bench bench;
  int batches = 0;
  for (auto& batch : progress(loader, "rest", bench.options(false))) batches += batch.size(0) == 2;
  CHECK(batches == 2);
  CHECK(bench.text.str() == "rest  100% 5/5  0:00\n");
}

TEST_CASE("progress without a total counts") {
  Bench bench;
  {
    ProgressBar bar("", -1, bench.options(true));
    bench.seconds = 4;
    bar.advance(2);
  }
  CHECK(bench.pieces('\r').back() == "2  2.0 s each  0:04\x1b[K\n");
}

TEST_CASE("durations are readable") {
  CHECK(format_duration(0) == "0:00");
  CHECK(format_duration(59.6) == "1:00");
  CHECK(format_duration(754) == "12:34");
  CHECK(format_duration(7500) == "2:05:00");
  CHECK(format_duration(-1) == "?");
  CHECK(format_duration(1e300) == "?");
}
