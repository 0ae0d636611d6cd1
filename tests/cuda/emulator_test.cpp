// What the emulated grid finds in a kernel, and that it says where.

#include <catch2/catch.hpp>

#include <weft/backends/cuda/launch.hpp>
#include <weft/backends/cuda/reduce_block.hpp>
#include <weft/core/error.hpp>

using namespace weft;
using namespace weft::cuda;
using Catch::Contains;

namespace {

/// Shared memory for an int of each of 64 threads.
constexpr size_t ints = 64 * sizeof(int);

template <class Kernel> std::string error_of(const Kernel& kernel, int threads = 64, size_t shared_bytes = ints) {
  try {
    launch_blocks(kernel, 3, threads, shared_bytes);
  } catch (const emulation::EmulationError& error) { return error.what(); }
  return "";
}

/// Every thread leaves its number and reads its neighbour's.
struct ReadsNeighbour {
  int* result;
  bool waits = false;

  void operator()(const Thread& thread) const {
    auto numbers = thread.shared<int>(0, thread.block_size());
    numbers[thread.index()] = thread.index();
    if (waits) thread.sync();
    result[thread.global_index()] = numbers[(thread.index() + 1) % thread.block_size()];
  }
};

/// One thread leaves two numbers at once, another reads the second of them.
struct ReadsPartOfAPair {
  struct Two {
    int numbers[2];
  };
  bool waits = false;

  void operator()(const Thread& thread) const {
    if (thread.index() == 0) thread.shared<Two>(0, 1)[0] = {{1, 2}};
    if (waits) thread.sync();
    if (thread.index() == 9) thread.shared<int>(0, 2)[0] = thread.shared<int>(0, 2)[1];
  }
};

struct WritesOnePlace {
  void operator()(const Thread& thread) const {
    auto numbers = thread.shared<int>(0, 1);
    if (thread.block() == 1 && (thread.index() == 5 || thread.index() == 37)) numbers[0] = thread.index();
  }
};

struct WritesWhatIsStillRead {
  void operator()(const Thread& thread) const {
    auto numbers = thread.shared<int>(0, 2);
    if (thread.index() == 0) numbers[0] = 7;
    thread.sync();
    const int seen = numbers[0];
    if (thread.index() == 63) numbers[0] = seen + 1;
  }
};

struct ReadsBeyondTheEnd {
  int at;
  void operator()(const Thread& thread) const {
    auto numbers = thread.shared<int>(0, 64);
    if (thread.block() == 2 && thread.index() == 11) numbers[at] = 1;
  }
};

struct TakesTooMuch {
  void operator()(const Thread& thread) const { thread.shared<int>(0, 65); }
};

struct LeavesBeforeTheBarrier {
  void operator()(const Thread& thread) const {
    if (thread.index() < 40) thread.sync();
  }
};

struct ShufflesInABranch {
  void operator()(const Thread& thread) const {
    if (thread.lane() < 16) thread.shuffle_xor(1, 1);
  }
};

struct VotesInABranch {
  void operator()(const Thread& thread) const {
    if (thread.lane() != 3) thread.ballot(true);
  }
};

struct ShufflesWithNobody {
  void operator()(const Thread& thread) const { thread.shuffle_xor(1, 16); }
};

struct ReadsWhatNobodyWrote {
  int* result;
  void operator()(const Thread& thread) const { result[thread.global_index()] = thread.shared<int>(0, 64)[0]; }
};

struct SumsAndVotes {
  int* sums;
  uint32_t* votes;
  void operator()(const Thread& thread) const {
    sums[thread.global_index()] = reduce_block(thread, thread.index() + 1, Sum());
    votes[thread.global_index()] = thread.ballot(thread.index() % 3 == 0);
  }
};

}  // namespace

TEST_CASE("the emulated grid finds a read that no barrier separates from the write", "[cuda]") {
  std::vector<int> result(3 * 64);
  const std::string error = error_of(ReadsNeighbour{result.data()});
  CHECK_THAT(error, Contains("ReadsNeighbour") && Contains("block 0, thread 1") &&
                        Contains("which thread 0 read since the last barrier"));
  CHECK(error_of(ReadsNeighbour{result.data(), true}) == "");
  for (int i = 0; i < 3 * 64; ++i) CHECK(result[static_cast<size_t>(i)] == (i + 1) % 64);
}

TEST_CASE("the emulated grid finds a read of part of what another thread wrote", "[cuda]") {
  CHECK_THAT(error_of(ReadsPartOfAPair{}), Contains("thread 9") && Contains("reads byte 4"));
  CHECK(error_of(ReadsPartOfAPair{true}).empty());
}

TEST_CASE("the emulated grid finds two writers of one place", "[cuda]") {
  CHECK_THAT(error_of(WritesOnePlace{}),
             Contains("WritesOnePlace") && Contains("block 1, thread 37") && Contains("as thread 5 did"));
}

TEST_CASE("the emulated grid finds a write to what others still read", "[cuda]") {
  CHECK_THAT(error_of(WritesWhatIsStillRead{}),
             Contains("WritesWhatIsStillRead") && Contains("block 0, thread 63") && Contains("read since"));
}

TEST_CASE("the emulated grid finds places outside shared arrays and memory", "[cuda]") {
  for (int at : {64, -1, 1 << 30})
    CHECK_THAT(error_of(ReadsBeyondTheEnd{at}),
               Contains("ReadsBeyondTheEnd") && Contains("block 2, thread 11") &&
                   Contains("index " + std::to_string(at) + " of a shared array of 64"));
  CHECK(error_of(ReadsBeyondTheEnd{63}) == "");
  CHECK_THAT(error_of(TakesTooMuch{}), Contains("TakesTooMuch") && Contains("bytes 0 to 260 of 256"));
}

TEST_CASE("the emulated grid finds threads that others wait for in vain", "[cuda]") {
  CHECK_THAT(error_of(LeavesBeforeTheBarrier{}),
             Contains("LeavesBeforeTheBarrier") && Contains("block 0, thread 0") && Contains("barrier that not all"));
  CHECK_THAT(error_of(ShufflesInABranch{}),
             Contains("ShufflesInABranch") && Contains("block 0, thread 0") && Contains("not all lanes of the warp"));
  CHECK_THAT(error_of(VotesInABranch{}), Contains("VotesInABranch") && Contains("not all lanes of the warp"));
  CHECK_THAT(error_of(ShufflesWithNobody{}, 20), Contains("thread 4") && Contains("lane 20, which is not there"));
}

TEST_CASE("a kernel launched for independent threads may not wait", "[cuda]") {
  CHECK_THROWS_WITH(launch(LeavesBeforeTheBarrier{}, 1, 32),
                    Contains("LeavesBeforeTheBarrier") && Contains("block 0, thread 0") && Contains("launch_blocks()"));
}

TEST_CASE("the emulated grid takes the sizes that a GPU takes", "[cuda]") {
  CHECK_THROWS_AS(launch_blocks(TakesTooMuch{}, 1, 1025, ints), ValueError);
  CHECK_THROWS_AS(launch_blocks(TakesTooMuch{}, int64_t{1} << 31, 32, ints), ValueError);
  CHECK_THROWS_AS(launch_blocks(TakesTooMuch{}, 1, 32, size_t{1} << 20), ValueError);
  CHECK_NOTHROW(launch_blocks(TakesTooMuch{}, 0, 32, ints));  // no blocks are nothing to do
}

TEST_CASE("shared memory does not begin as zeros", "[cuda]") {
  std::vector<int> result(3 * 64);
  CHECK(error_of(ReadsWhatNobodyWrote{result.data()}) == "");
  CHECK(result[0] != 0);
}

TEST_CASE("sums and votes of a block", "[cuda]") {
  for (int threads : {32, 64, 256}) {
    std::vector<int> sums(static_cast<size_t>(3 * threads));
    std::vector<uint32_t> votes(static_cast<size_t>(3 * threads));
    launch_blocks(SumsAndVotes{sums.data(), votes.data()}, 3, threads, reduce_bytes<int>(threads));
    for (int i = 0; i < 3 * threads; ++i) {
      CHECK(sums[static_cast<size_t>(i)] == threads * (threads + 1) / 2);
      uint32_t expected = 0;
      const int first = i % threads / 32 * 32;
      for (int lane = 0; lane < 32; ++lane) expected |= uint32_t{(first + lane) % 3 == 0} << lane;
      CHECK(votes[static_cast<size_t>(i)] == expected);
    }
  }
}
