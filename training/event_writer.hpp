#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <weft/core/tensor.hpp>

namespace weft {

/// Writes what TensorBoard shows: `EventWriter events("runs/a/events"); events.scalar("train/loss", loss, step);`, then
/// `tensorboard --logdir runs`. Each writer has a file of its own in the folder, as TensorBoard expects it: a resumed
/// run gets a further one, and start_session says from which step on the older ones do not count.
///
/// The file is flushed every ten seconds, by flush(), and at the end. All functions throw FileError when the file
/// cannot be written. Not for several threads at once.
class EventWriter {
 public:
  /// Makes the folder, and a file `events.out.tfevents.<seconds>.<host>.<process>.<number>` in it.
  explicit EventWriter(const std::string& folder);
  ~EventWriter();
  EventWriter(EventWriter&&) noexcept;
  EventWriter& operator=(EventWriter&&) noexcept;

  /// One point of a curve, kept as float32. `a/b` and `a/c` are shown in one group.
  void scalar(std::string_view tag, double value, int64_t step);
  /// Markdown.
  void text(std::string_view tag, std::string_view markdown, int64_t step);
  /// The bytes of a PNG file, and the picture's size.
  void image(std::string_view tag, std::string_view png, int64_t height, int64_t width, int64_t step);
  /// How the elements of a tensor [any shape] are spread, in `buckets` equally wide ones; elements that are not finite
  /// are left out. Throws ValueError when there is no finite element or buckets < 1.
  void histogram(std::string_view tag, const Tensor& values, int64_t step, int buckets = 30);
  /// Says that a run goes on at this step: TensorBoard drops what older files of the folder have from there on.
  void start_session(int64_t step);

  void flush();
  const std::string& path() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
