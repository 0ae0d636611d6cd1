#include <weft/core/allocator.hpp>

#include <cstring>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <weft/core/backend.hpp>
#include <weft/core/error.hpp>
#include <weft/core/tensor.hpp>

using namespace weft;
using Catch::Contains;

TEST_CASE("memory is aligned, whatever the size") {
  CachingAllocator allocator;
  for (int64_t bytes : {0, 1, 63, 64, 65, 1000, 4097, 1000003}) {
    void* memory = allocator.allocate(bytes);
    REQUIRE(reinterpret_cast<uintptr_t>(memory) % CachingAllocator::alignment == 0);
    std::memset(memory, 1, static_cast<size_t>(bytes));
    allocator.deallocate(memory, bytes);
  }
  REQUIRE(allocator.stats().active == 0);
}

TEST_CASE("freed memory is used again") {
  CachingAllocator allocator;
  void* first = allocator.allocate(1000);
  allocator.deallocate(first, 1000);
  REQUIRE(allocator.allocate(1001) == first);  // of the same size class
  MemoryStats stats = allocator.stats();
  REQUIRE(stats.requests == 2);
  REQUIRE(stats.system_requests == 1);
  REQUIRE(stats.cached == 0);
  allocator.deallocate(first, 1001);
  REQUIRE(allocator.stats().cached >= stats.active);
  allocator.trim();
  REQUIRE(allocator.stats().cached == 0);
  void* again = allocator.allocate(1000);
  REQUIRE(allocator.stats().system_requests == 2);
  allocator.deallocate(again, 1000);
}

TEST_CASE("size classes waste at most a 32nd") {
  CachingAllocator allocator;
  for (int64_t bytes = 512; bytes < 100000; bytes = bytes * 5 / 4 + 1) {
    void* memory = allocator.allocate(bytes);
    REQUIRE(allocator.stats().active >= bytes);
    REQUIRE(allocator.stats().active <= bytes + bytes / 32 + 64);
    allocator.deallocate(memory, bytes);
  }
}

TEST_CASE("peak follows the most in use") {
  CachingAllocator allocator;
  void *a = allocator.allocate(1024), *b = allocator.allocate(2048);
  allocator.deallocate(a, 1024);
  REQUIRE(allocator.stats().peak == 3072);
  REQUIRE(allocator.stats().active == 2048);
  allocator.reset_peak();
  REQUIRE(allocator.stats().peak == 2048);
  allocator.deallocate(b, 2048);
}

TEST_CASE("a limit refuses by name and leaves everything as it was") {
  CachingAllocator allocator;
  allocator.set_limit(4096);
  void* memory = allocator.allocate(3000);
  MemoryStats before = allocator.stats();
  REQUIRE_THROWS_WITH(allocator.allocate(2000), Contains("2000 bytes") && Contains("limit of 4096"));
  REQUIRE_THROWS_AS(allocator.allocate(2000), MemoryError);
  REQUIRE(allocator.stats().active == before.active);
  allocator.deallocate(memory, 3000);
  memory = allocator.allocate(2000);
  allocator.set_limit(0);
  void* large = allocator.allocate(100000);
  allocator.deallocate(large, 100000);
  allocator.deallocate(memory, 2000);
}

TEST_CASE("absurd sizes are refused before the system is asked") {
  CachingAllocator allocator;
  REQUIRE_THROWS_AS(allocator.allocate(-1), MemoryError);
  REQUIRE_THROWS_AS(allocator.allocate(int64_t{1} << 60), MemoryError);
  REQUIRE(allocator.stats().active == 0);
}

TEST_CASE("a device's memory is counted and limited") {
  Device device("reference");
  int64_t before = memory_stats(device).active;
  {
    Tensor x = Tensor::empty({1024}, DType::float32, device);
    REQUIRE(memory_stats(device).active == before + 4096);
    set_memory_limit(before + 8192, device);
    REQUIRE_THROWS_AS(Tensor::empty({2048}, DType::float32, device), MemoryError);
    set_memory_limit(0, device);
  }
  REQUIRE(memory_stats(device).active == before);
}

TEST_CASE("threads may allocate at once", "[threads]") {
  CachingAllocator allocator;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 500; ++round) {
        int64_t bytes = 64 + (i * 37 + round) % 5000;
        void* memory = allocator.allocate(bytes);
        std::memset(memory, i, static_cast<size_t>(bytes));
        allocator.deallocate(memory, bytes);
      }
    });
  for (std::thread& thread : threads) thread.join();
  REQUIRE(allocator.stats().active == 0);
  REQUIRE(allocator.stats().requests == 2000);
}

TEST_CASE("freed neighbours merge, so that other sizes need no more memory") {
  CachingAllocator allocator;
  constexpr int64_t mebibyte = 1 << 20;
  std::vector<void*> blocks;
  for (int i = 0; i < 12; ++i) blocks.push_back(allocator.allocate(mebibyte));
  REQUIRE(allocator.stats().system_requests == 1);
  for (size_t i : {3, 1, 2, 0, 11, 9, 10, 8, 4, 6, 5, 7}) allocator.deallocate(blocks[i], mebibyte);
  void* large = allocator.allocate(12 * mebibyte);
  REQUIRE(large == blocks[0]);
  REQUIRE(allocator.stats().system_requests == 1);
  REQUIRE(allocator.stats().cached < mebibyte);
  allocator.deallocate(large, 12 * mebibyte);
}

TEST_CASE("blocks of many sizes do not overlap") {
  CachingAllocator allocator;
  struct Block {
    unsigned char* memory;
    int64_t bytes;
    unsigned char mark;
  };
  std::vector<Block> blocks;
  uint32_t random = 7;
  auto drop = [&](size_t i) {
    Block& block = blocks[i];
    bool intact = true;
    for (int64_t k = 0; k < block.bytes; ++k) intact = intact && block.memory[k] == block.mark;
    REQUIRE(intact);
    allocator.deallocate(block.memory, block.bytes);
    block = blocks.back();
    blocks.pop_back();
  };
  for (int round = 0; round < 3000; ++round) {
    random = random * 1664525u + 1013904223u;
    const int64_t bytes = int64_t{random >> 8 & 1023} << (random >> 20 & 7);
    auto* memory = static_cast<unsigned char*>(allocator.allocate(bytes));
    blocks.push_back({memory, bytes, static_cast<unsigned char>(round)});
    std::memset(memory, blocks.back().mark, static_cast<size_t>(bytes));
    if (blocks.size() > 40) drop((random >> 4) % blocks.size());
    if (round % 500 == 499) allocator.trim();
  }
  while (!blocks.empty()) drop(0);
  REQUIRE(allocator.stats().active == 0);
  REQUIRE(allocator.stats().system_requests < 5);
}

TEST_CASE("trimming spares what is in use") {
  CachingAllocator allocator;
  constexpr int64_t bytes = 300'000;
  char* blocks[5];
  for (char*& block : blocks) {
    block = static_cast<char*>(allocator.allocate(bytes));
    std::memset(block, 5, static_cast<size_t>(bytes));
  }
  allocator.deallocate(blocks[1], bytes);
  allocator.deallocate(blocks[3], bytes);
  allocator.deallocate(blocks[4], bytes);
  REQUIRE(allocator.stats().cached >= 3 * bytes);
  allocator.trim();
  REQUIRE(allocator.stats().cached == 0);
  for (int kept : {0, 2}) REQUIRE(std::vector<char>(blocks[kept], blocks[kept] + bytes) == std::vector<char>(bytes, 5));
  allocator.deallocate(blocks[0], bytes);
  allocator.deallocate(blocks[2], bytes);
  REQUIRE(allocator.stats().cached >= 2 * bytes);
  allocator.trim();
  REQUIRE(allocator.stats().cached == 0);
}

TEST_CASE("a free region too small for a request goes back before a larger one is mapped") {
  CachingAllocator allocator;
  constexpr int64_t mebibyte = 1 << 20;
  for (int64_t size : {40, 80, 160}) {
    void* memory = allocator.allocate(size * mebibyte);
    static_cast<char*>(memory)[0] = 1;
    allocator.deallocate(memory, size * mebibyte);
    REQUIRE(allocator.stats().cached < size * mebibyte * 17 / 16);
  }
  void* memory = allocator.allocate(40 * mebibyte);
  REQUIRE(allocator.stats().system_requests == 3);
  allocator.deallocate(memory, 40 * mebibyte);
}
