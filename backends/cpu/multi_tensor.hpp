#pragma once

#include <algorithm>
#include <span>

#include <weft/core/parallel.hpp>
#include <weft/core/tensor.hpp>

namespace weft::cpu {

/// The elements of many tensors, as if they lay one after the other, cut into pieces of equal size: work on many small
/// tensors is one piece, and on a large one several. Pieces are functions of the shapes alone; within a tensor they
/// begin at multiples of 64 elements.
class MultiTensor {
 public:
  static constexpr int64_t most_pieces = 256;

  explicit MultiTensor(std::span<const Tensor> tensors, int64_t least = 1 << 14) : tensors_(tensors) {
    for (const Tensor& tensor : tensors) total_ += padded(tensor);
    piece_ = std::max(least, round_up((total_ + most_pieces - 1) / most_pieces));
  }

  int64_t pieces() const { return (total_ + piece_ - 1) / piece_; }

  /// Calls f(place, begin, end) for the elements [begin, end) of tensor `place` that belong to a piece.
  template <class F> void for_each_part(int64_t piece, F&& f) const {
    int64_t from = piece * piece_, to = std::min(total_, from + piece_), start = 0;
    for (size_t i = 0; i < tensors_.size() && start < to; start += padded(tensors_[i++])) {
      const int64_t begin = std::max<int64_t>(0, from - start), end = std::min(tensors_[i].elements(), to - start);
      if (begin < end) f(i, begin, end);
    }
  }

  /// Calls f(piece, place, begin, end) for all of them, pieces on several threads.
  template <class F> void run(F&& f) const {
    parallel_for(pieces(), [&](int64_t piece) {
      for_each_part(piece, [&](size_t place, int64_t begin, int64_t end) { f(piece, place, begin, end); });
    });
  }

 private:
  static int64_t round_up(int64_t n) { return (n + 63) / 64 * 64; }
  static int64_t padded(const Tensor& tensor) { return round_up(tensor.elements()); }

  std::span<const Tensor> tensors_;
  int64_t total_ = 0, piece_ = 0;
};

}  // namespace weft::cpu
