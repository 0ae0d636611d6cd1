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
  REQUIRE(allocator.stats().cached == stats.active);
  allocator.trim();
  REQUIRE(allocator.stats().cached == 0);
  void* again = allocator.allocate(1000);
  REQUIRE(allocator.stats().system_requests == 2);
  allocator.deallocate(again, 1000);
}

TEST_CASE("size classes waste at most an eighth") {
  CachingAllocator allocator;
  for (int64_t bytes = 512; bytes < 100000; bytes = bytes * 5 / 4 + 1) {
    void* memory = allocator.allocate(bytes);
    REQUIRE(allocator.stats().active >= bytes);
    REQUIRE(allocator.stats().active <= bytes + bytes / 8 + 64);
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
