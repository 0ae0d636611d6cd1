#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace weft::cuda {

constexpr int warp_size = 32;

inline int count_bits(uint32_t bits) { return __builtin_popcount(bits); }

namespace emulation {

class Block;

/// Who touched a value of shared memory since the block's last barrier.
struct Access {
  uint32_t write_epoch = 0, read_epoch = 0;
  int writer = -1, reader = -1;
  bool many_readers = false;
};

/// Notes the access of the running thread. Throws EmulationError where no barrier separates it from another thread's.
void note_read(Block& block, size_t offset);
void note_write(Block& block, size_t offset);
/// Throws EmulationError for an index outside [0, count).
void check_bounds(const Block& block, int index, int count);

}  // namespace emulation

/// A block's array in shared memory; every access is checked for its bounds and for races.
template <class T> class Shared {
 public:
  class Reference {
   public:
    Reference(const Shared& array, int i) : array_(array), i_(i) {
      emulation::check_bounds(*array.block_, i, array.count_);
    }
    operator T() const {
      for (size_t at = 0; at < sizeof(T); at += word) emulation::note_read(*array_.block_, array_.offset_of(i_) + at);
      return array_.data_[i_];
    }
    const Reference& operator=(T value) const {
      for (size_t at = 0; at < sizeof(T); at += word) emulation::note_write(*array_.block_, array_.offset_of(i_) + at);
      array_.data_[i_] = value;
      return *this;
    }
    const Reference& operator=(const Reference& other) const { return *this = static_cast<T>(other); }
    const Reference& operator+=(T value) const { return *this = static_cast<T>(*this) + value; }

   private:
    /// Of a longer value each word is noted: it may be read as part of another type.
    static constexpr size_t word = 4;
    const Shared& array_;
    int i_;
  };

  Shared(emulation::Block& block, unsigned char* memory, size_t offset, int count)
      : block_(&block), data_(reinterpret_cast<T*>(memory + offset)), offset_(offset), count_(count) {}
  Reference operator[](int i) const { return Reference(*this, i); }

 private:
  size_t offset_of(int i) const { return offset_ + static_cast<size_t>(i) * sizeof(T); }

  emulation::Block* block_;
  T* data_;
  size_t offset_;
  int count_;
};

/// One thread of an emulated block; see grid.hpp.
class Thread {
 public:
  Thread(emulation::Block& owner, int index, int block_size, int64_t block, int64_t blocks)
      : owner_(&owner), block_(block), blocks_(blocks), index_(index), block_size_(block_size) {}

  int index() const { return index_; }
  int block_size() const { return block_size_; }
  int64_t block() const { return block_; }
  int64_t blocks() const { return blocks_; }
  void sync() const;
  template <class T> T shuffle_xor(T value, int mask) const {
    static_assert(sizeof(T) <= 16);
    T result;
    exchange(&value, &result, sizeof(T), lane() ^ mask);
    return result;
  }
  uint32_t ballot(bool mine) const;
  template <class T> Shared<T> shared(size_t offset, int count) const {
    return Shared<T>(*owner_, shared_memory(offset, sizeof(T) * static_cast<size_t>(count)), offset, count);
  }

  int64_t global_index() const { return block() * block_size() + index(); }
  int64_t global_size() const { return blocks() * block_size(); }
  int lane() const { return index() % warp_size; }
  int warp() const { return index() / warp_size; }

 private:
  /// Gives `mine` to the lanes of the warp and takes what lane `from` gave.
  void exchange(const void* mine, void* result, size_t bytes, int from) const;
  /// The block's memory; throws EmulationError when offset + bytes go beyond it.
  unsigned char* shared_memory(size_t offset, size_t bytes) const;

  emulation::Block* owner_;
  int64_t block_, blocks_;
  int index_, block_size_;
};

}  // namespace weft::cuda
