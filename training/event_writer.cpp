#include <weft/training/event_writer.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

#include <weft/autograd/ops/cast.hpp>
#include <weft/autograd/tape.hpp>
#include <weft/core/error.hpp>

namespace weft {
namespace {

namespace fs = std::filesystem;
using protozero::pbf_writer;

/// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), as the records' framing asks for.
constexpr std::array<uint32_t, 256> crc_table = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0u);
    table[byte] = value;
  }
  return table;
}();

/// Masked, so that a record may hold the checksums of others.
uint32_t masked_crc(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (char byte : bytes) crc = crc >> 8 ^ crc_table[(crc ^ static_cast<uint8_t>(byte)) & 255];
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

template <class T> std::string little_endian(T value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(T); ++i) bytes += static_cast<char>(value >> (8 * i) & 255);
  return bytes;
}

/// Field numbers of tensorflow/core/util/event.proto, framework/summary.proto, tensor.proto and tensor_shape.proto.
namespace event {
constexpr uint32_t wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7;
}
namespace session_log {
constexpr uint32_t status = 1;
constexpr int32_t start = 1;
}  // namespace session_log
namespace summary {
constexpr uint32_t value = 1;
}
namespace value {
constexpr uint32_t tag = 1, simple_value = 2, image = 4, histogram = 5, tensor = 8, metadata = 9;
}
namespace image {
constexpr uint32_t height = 1, width = 2, colorspace = 3, encoded = 4;
constexpr int32_t rgb = 3;
}  // namespace image
namespace histogram {
constexpr uint32_t min = 1, max = 2, num = 3, sum = 4, sum_squares = 5, bucket_limit = 6, bucket = 7;
}
namespace tensor {
constexpr uint32_t dtype = 1, shape = 2, string_val = 8;
constexpr int32_t dt_string = 7;
}  // namespace tensor
namespace shape {
constexpr uint32_t dim = 2, size = 1;
}
namespace metadata {
constexpr uint32_t plugin_data = 1, plugin_name = 1;
}

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name[0] ? name : "localhost";
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

}  // namespace

struct EventWriter::Impl {
  std::string path;
  std::FILE* file = nullptr;
  std::chrono::steady_clock::time_point flushed = std::chrono::steady_clock::now();

  ~Impl() {
    if (file) std::fclose(file);
  }

  void expect(bool good) const {
    if (!good) throw FileError("events: cannot write '" + path + "': " + std::strerror(errno));
  }

  /// The length, its checksum, the bytes, their checksum.
  void write_record(const std::string& bytes) {
    std::string length = little_endian(static_cast<uint64_t>(bytes.size()));
    std::string record = length + little_endian(masked_crc(length)) + bytes + little_endian(masked_crc(bytes));
    expect(std::fwrite(record.data(), 1, record.size(), file) == record.size());
    if (std::chrono::steady_clock::now() - flushed > std::chrono::seconds(10)) flush();
  }

  void flush() {
    expect(std::fflush(file) == 0);
    flushed = std::chrono::steady_clock::now();
  }

  template <class Fill> void write_event(int64_t step, Fill&& fill) {
    std::string bytes;
    pbf_writer writer(bytes);
    writer.add_double(event::wall_time, now());
    writer.add_int64(event::step, step);
    fill(writer);
    write_record(bytes);
  }

  template <class Fill> void write_value(std::string_view tag, int64_t step, Fill&& fill) {
    write_event(step, [&](pbf_writer& writer) {
      pbf_writer summary(writer, event::summary);
      pbf_writer value(summary, summary::value);
      value.add_string(value::tag, tag.data(), tag.size());
      fill(value);
    });
  }
};

EventWriter::EventWriter(const std::string& folder) : impl_(std::make_unique<Impl>()) {
  static std::atomic<int> files{0};
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw FileError("events: cannot create '" + folder + "': " + failed.message());
  std::string name = fmt::format("events.out.tfevents.{:010d}.{}.{}.{}", static_cast<int64_t>(now()), host_name(),
                                 ::getpid(), files++);
  impl_->path = (fs::path(folder) / name).string();
  impl_->file = std::fopen(impl_->path.c_str(), "ab");
  impl_->expect(impl_->file != nullptr);
  std::string bytes;
  pbf_writer writer(bytes);
  writer.add_double(event::wall_time, now());
  writer.add_string(event::file_version, "brain.Event:2");
  impl_->write_record(bytes);
  impl_->flush();
}
EventWriter::~EventWriter() = default;
EventWriter::EventWriter(EventWriter&&) noexcept = default;
EventWriter& EventWriter::operator=(EventWriter&&) noexcept = default;

void EventWriter::scalar(std::string_view tag, double value, int64_t step) {
  impl_->write_value(tag, step,
                     [&](pbf_writer& writer) { writer.add_float(value::simple_value, static_cast<float>(value)); });
}

void EventWriter::text(std::string_view tag, std::string_view markdown, int64_t step) {
  impl_->write_value(tag, step, [&](pbf_writer& writer) {
    {
      pbf_writer tensor(writer, value::tensor);
      tensor.add_enum(tensor::dtype, tensor::dt_string);
      {
        pbf_writer shape(tensor, tensor::shape);
        pbf_writer dim(shape, shape::dim);
        dim.add_int64(shape::size, 1);
      }
      tensor.add_bytes(tensor::string_val, markdown.data(), markdown.size());
    }
    pbf_writer metadata(writer, value::metadata);
    pbf_writer plugin(metadata, metadata::plugin_data);
    plugin.add_string(metadata::plugin_name, "text");
  });
}

void EventWriter::image(std::string_view tag, std::string_view png, int64_t height, int64_t width, int64_t step) {
  impl_->write_value(tag, step, [&](pbf_writer& writer) {
    pbf_writer image(writer, value::image);
    image.add_int32(image::height, static_cast<int32_t>(height));
    image.add_int32(image::width, static_cast<int32_t>(width));
    image.add_int32(image::colorspace, image::rgb);
    image.add_bytes(image::encoded, png.data(), png.size());
  });
}

void EventWriter::histogram(std::string_view tag, const Tensor& values, int64_t step, int buckets) {
  if (buckets < 1) throw ValueError(fmt::format("histogram: expected at least one bucket, got {}", buckets));
  NoGrad guard;
  std::vector<double> numbers = cast(values, DType::float64).to_vector<double>();
  numbers.erase(std::remove_if(numbers.begin(), numbers.end(), [](double x) { return !std::isfinite(x); }),
                numbers.end());
  if (numbers.empty()) throw ValueError("histogram: '" + std::string(tag) + "' has no finite element");
  auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
  double first = *low, width = (*high - *low) / buckets, sum = 0, squares = 0;
  std::vector<double> limits, counts(static_cast<size_t>(buckets), 0);
  for (int i = 1; i < buckets; ++i) limits.push_back(first + width * i);
  limits.push_back(*high);
  for (double x : numbers) {
    auto place = width > 0 ? static_cast<int>((x - first) / width) : 0;
    counts[static_cast<size_t>(std::clamp(place, 0, buckets - 1))] += 1;
    sum += x;
    squares += x * x;
  }
  impl_->write_value(tag, step, [&, low = *low, high = *high](pbf_writer& writer) {
    pbf_writer histogram(writer, value::histogram);
    histogram.add_double(histogram::min, low);
    histogram.add_double(histogram::max, high);
    histogram.add_double(histogram::num, static_cast<double>(numbers.size()));
    histogram.add_double(histogram::sum, sum);
    histogram.add_double(histogram::sum_squares, squares);
    histogram.add_packed_double(histogram::bucket_limit, limits.begin(), limits.end());
    histogram.add_packed_double(histogram::bucket, counts.begin(), counts.end());
  });
}

void EventWriter::start_session(int64_t step) {
  impl_->write_event(step, [&](pbf_writer& writer) {
    pbf_writer log(writer, event::session_log);
    log.add_enum(session_log::status, session_log::start);
  });
  impl_->flush();
}

void EventWriter::flush() { impl_->flush(); }
const std::string& EventWriter::path() const { return impl_->path; }

}  // namespace weft
