#include <limits>
#include <map>
#include <vector>

#include <catch2/catch.hpp>
#include <protozero/pbf_reader.hpp>

#include <weft/core/file.hpp>
#include <weft/tests/support/temporary_folder.hpp>
#include <weft/weft.hpp>

using namespace weft;
using protozero::pbf_reader;
using weft::test::TemporaryFolder;

namespace {

template <class T> T number_at(const std::string& bytes, size_t place) {
  T number = 0;
  for (size_t i = 0; i < sizeof(T); ++i) number |= static_cast<T>(static_cast<uint8_t>(bytes.at(place + i))) << (8 * i);
  return number;
}

/// Bit by bit, apart from the writer's table.
uint32_t crc32c(const std::string& bytes) {
  uint32_t crc = ~0u;
  for (char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
  }
  return ~crc;
}

uint32_t unmasked(uint32_t masked) {
  uint32_t rotated = masked - 0xa282ead8u;
  return rotated >> 17 | rotated << 15;
}

std::vector<std::string> records_of(const std::string& path) {
  std::string file = read_file(path);
  std::vector<std::string> records;
  for (size_t place = 0; place < file.size();) {
    auto length = number_at<uint64_t>(file, place);
    CHECK(unmasked(number_at<uint32_t>(file, place + 8)) == crc32c(file.substr(place, 8)));
    REQUIRE(place + 12 + length + 4 <= file.size());
    records.push_back(file.substr(place + 12, length));
    CHECK(unmasked(number_at<uint32_t>(file, place + 12 + length)) == crc32c(records.back()));
    place += 12 + length + 4;
  }
  return records;
}

struct ReadEvent {
  double wall_time = 0;
  int64_t step = 0;
  std::string version, value;
  int32_t session = 0;
};

ReadEvent event_of(const std::string& record) {
  ReadEvent event;
  pbf_reader reader(record);
  while (reader.next()) switch (reader.tag()) {
      case 1: event.wall_time = reader.get_double(); break;
      case 2: event.step = reader.get_int64(); break;
      case 3: event.version = reader.get_string(); break;
      case 5: {
        pbf_reader summary = reader.get_message();
        REQUIRE(summary.next(1));
        event.value = summary.get_string();
        break;
      }
      case 7: {
        pbf_reader session = reader.get_message();
        REQUIRE(session.next(1));
        event.session = session.get_enum();
        break;
      }
      default: FAIL("an unexpected field");
    }
  return event;
}

/// The field `number` of a message, which it must have.
pbf_reader field(const std::string& message, uint32_t number) {
  pbf_reader reader(message);
  REQUIRE(reader.next(number));
  return reader;
}

std::string tag_of(const ReadEvent& event) { return field(event.value, 1).get_string(); }

}  // namespace

TEST_CASE("events: the checksum is the one of RFC 3720") {
  CHECK(crc32c("123456789") == 0xe3069283u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aau);
}

TEST_CASE("events: a file begins with its version and has a point for each scalar") {
  TemporaryFolder folder;
  EventWriter events((folder / "a/b").string());
  events.scalar("loss", 0.125, 3);
  events.scalar("deep/er", -std::numeric_limits<double>::infinity(), int64_t{1} << 40);
  events.flush();
  CHECK(events.path().find("events.out.tfevents.") != std::string::npos);
  std::vector<std::string> records = records_of(events.path());
  REQUIRE(records.size() == 3);
  CHECK(event_of(records[0]).version == "brain.Event:2");
  ReadEvent loss = event_of(records[1]), deep = event_of(records[2]);
  CHECK(loss.step == 3);
  CHECK(loss.wall_time > 1.6e9);
  CHECK(tag_of(loss) == "loss");
  CHECK(field(loss.value, 2).get_float() == 0.125f);
  CHECK(deep.step == int64_t{1} << 40);
  CHECK(field(deep.value, 2).get_float() == -std::numeric_limits<float>::infinity());
}

TEST_CASE("events: two writers of one folder have files of their own") {
  TemporaryFolder folder;
  EventWriter first(folder.path().string()), second(folder.path().string());
  CHECK(first.path() != second.path());
}

TEST_CASE("events: pictures, text and sessions") {
  TemporaryFolder folder;
  EventWriter events(folder.path().string());
  std::string bytes("\x89PNG\0 anything", 14);
  events.image("picture", bytes, 11, 13, 5);
  events.text("note", "**so**", 7);
  events.start_session(17);
  std::vector<std::string> records = records_of(events.path());
  REQUIRE(records.size() == 4);
  std::string image = field(event_of(records[1]).value, 4).get_string();
  CHECK(field(image, 1).get_int32() == 11);
  CHECK(field(image, 2).get_int32() == 13);
  CHECK(field(image, 4).get_string() == bytes);
  ReadEvent text = event_of(records[2]);
  std::string tensor = field(text.value, 8).get_string();
  CHECK(field(tensor, 1).get_enum() == 7);  // DT_STRING
  CHECK(field(tensor, 8).get_string() == "**so**");
  std::string plugin = field(field(text.value, 9).get_string(), 1).get_string();
  CHECK(field(plugin, 1).get_string() == "text");
  ReadEvent session = event_of(records[3]);
  CHECK(session.session == 1);
  CHECK(session.step == 17);
}

TEST_CASE("events: a histogram counts every finite element once") {
  TemporaryFolder folder;
  EventWriter events(folder.path().string());
  float nan = std::numeric_limits<float>::quiet_NaN();
  events.histogram("spread", Tensor::from<float>({0, 1, 1, 4, nan, 2, 3.5f, 1.5f}, {2, 4}), 2, 4);
  events.histogram("constant", full({5}, 3.0), 2, 3);
  events.flush();
  std::vector<std::string> records = records_of(events.path());
  REQUIRE(records.size() == 3);
  std::string histogram = field(event_of(records[1]).value, 5).get_string();
  CHECK(field(histogram, 1).get_double() == 0);
  CHECK(field(histogram, 2).get_double() == 4);
  CHECK(field(histogram, 3).get_double() == 7);
  CHECK(field(histogram, 4).get_double() == 13);
  CHECK(field(histogram, 5).get_double() == 0 + 1 + 1 + 16 + 4 + 12.25 + 2.25);
  auto numbers = [](const std::string& message, uint32_t number) {
    pbf_reader reader = field(message, number);
    auto range = reader.get_packed_double();
    return std::vector<double>(range.begin(), range.end());
  };
  CHECK(numbers(histogram, 6) == std::vector<double>{1, 2, 3, 4});
  CHECK(numbers(histogram, 7) == std::vector<double>{1, 3, 1, 2});  // a limit belongs to the bucket above it
  histogram = field(event_of(records[2]).value, 5).get_string();
  std::vector<double> counts = numbers(histogram, 7);
  CHECK(counts[0] + counts[1] + counts[2] == 5);
  CHECK_THROWS_AS(events.histogram("none", full({2}, nan), 1), ValueError);
  CHECK_THROWS_AS(events.histogram("none", full({2}, 1.0), 1, 0), ValueError);
}

TEST_CASE("events: a folder that cannot be made is told") {
  TemporaryFolder folder;
  write_file((folder / "file").string(), "");
  CHECK_THROWS_AS(EventWriter((folder / "file/events").string()), FileError);
}

TEST_CASE("events: fit writes steps, epochs and the start of a resumed session") {
  struct Numbers {
    int64_t size() const { return 6; }
    double operator[](size_t i) const { return static_cast<double>(i); }
  };
  TemporaryFolder folder;
  Numbers numbers;
  auto run = [&](int64_t stop_at_step, bool resume) {
    EventWriter events((folder / "events").string());
    DataLoader loader(numbers, {.batch_size = 1});
    fit({}, loader, [&](const auto& batch) { return mean(batch); },
        {.epochs = 1,
         .folder = (folder / "checkpoints").string(),
         .resume = resume,
         .stop_at_step = stop_at_step,
         .progress = false,
         .events = &events,
         .event_every = 2,
         .learning_rate = Schedule(0.5)});
    events.flush();
    std::vector<std::pair<std::string, int64_t>> points;
    for (const std::string& record : records_of(events.path())) {
      ReadEvent event = event_of(record);
      if (event.session) points.emplace_back("session", event.step);
      else if (!event.value.empty()) points.emplace_back(tag_of(event), event.step);
    }
    return points;
  };
  using Points = std::vector<std::pair<std::string, int64_t>>;
  CHECK(run(3, false) == Points{{"step/loss", 2}, {"learning_rate", 2}});
  CHECK(run(-1, true) == Points{{"session", 4},
                                {"step/loss", 4},
                                {"learning_rate", 4},
                                {"step/loss", 6},
                                {"learning_rate", 6},
                                {"epoch/loss", 6},
                                {"steps_per_second", 6}});
}
