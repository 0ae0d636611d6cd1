#pragma once

#include <cstdint>
#include <vector>

#include <weft/backends/cuda/launch.hpp>

// One launch over the elements of many tensors: a table of them travels in the kernel's arguments, each tensor has
// blocks of its own. Tensors that do not fit into one table go to the next launch.

namespace weft::cuda {

/// `Entry` has a member n: how many elements.
template <class Entry> struct EntryTable {
  static constexpr int64_t chunk = 4096;  ///< elements for a block
  static constexpr int most = static_cast<int>(3400 / (sizeof(Entry) + sizeof(int64_t)));

  Entry entries[most];
  int64_t first_block[most];
  int count = 0;
  int64_t blocks = 0;

  bool full() const { return count == most; }
  void add(const Entry& entry) {
    entries[count] = entry;
    first_block[count++] = blocks;
    blocks += (entry.n + chunk - 1) / chunk;
  }
  /// The entry of the thread's block.
  WEFT_DEVICE int entry_of(const Thread& thread) const {
    int low = 0, high = count - 1;
    while (low < high) {
      const int middle = (low + high + 1) / 2;
      if (first_block[middle] <= thread.block()) low = middle;
      else high = middle - 1;
    }
    return low;
  }
  /// Calls f(i) for this thread's elements of the entry.
  template <class F> WEFT_DEVICE void for_each(const Thread& thread, int entry, const F& f) const {
    const int64_t begin = (thread.block() - first_block[entry]) * chunk, n = entries[entry].n;
    const int64_t end = begin + chunk < n ? begin + chunk : n;
    for (int64_t i = begin + thread.index(); i < end; i += thread.block_size()) f(i);
  }
};

/// Calls run(table) for tables that hold all entries between them; empty ones are left out.
template <class Entry, class F> void for_each_table(const std::vector<Entry>& entries, F&& run) {
  EntryTable<Entry> table;
  for (const Entry& entry : entries) {
    if (entry.n == 0) continue;
    if (table.full()) {
      run(table);
      table = {};
    }
    table.add(entry);
  }
  if (table.count > 0) run(table);
}

}  // namespace weft::cuda
