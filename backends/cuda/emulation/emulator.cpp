#include <weft/backends/cuda/emulation/emulator.hpp>

#include <ucontext.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <weft/backends/cuda/emulation/guarded_memory.hpp>
#include <weft/core/error.hpp>

namespace weft::cuda::emulation {
namespace {

constexpr size_t stack_bytes = size_t{64} << 10;
constexpr int most_threads = 1024;
constexpr int64_t most_blocks = 2147483647;
constexpr size_t most_shared_bytes = size_t{227} << 10;  // of compute capability 9.0

enum class State : uint8_t { ready, at_barrier, at_exchange, done };

struct Fiber {
  ucontext_t context = {};
  std::unique_ptr<unsigned char[]> stack;
  State state = State::ready;
};

/// Fibers keep their stacks from one launch to the next.
std::vector<Fiber>& fibers() {
  thread_local std::vector<Fiber> all;
  return all;
}

}  // namespace

/// The block that is running, of which this thread has at most one.
class Block {
 public:
  Block(const char* name, int64_t number, int64_t blocks, int threads, size_t shared_bytes, bool together,
        const std::function<void(const Thread&)>& kernel)
      : name_(name),
        number_(number),
        blocks_(blocks),
        threads_(threads),
        together_(together),
        kernel_(kernel),
        shared_(shared_bytes),
        access_(shared_bytes),
        given_(static_cast<size_t>(threads)) {
    for (size_t i = 0; i < shared_bytes; ++i) shared_[i] = 0xcd;  // nobody may count on zeros
  }

  void run_one_after_the_other() {
    for (current_ = 0; current_ < threads_; ++current_) kernel_(thread());
  }

  void run_together() {
    auto& all = fibers();
    if (all.size() < static_cast<size_t>(threads_)) all.resize(static_cast<size_t>(threads_));
    for (current_ = 0; current_ < threads_; ++current_) {
      Fiber& fiber = all[static_cast<size_t>(current_)];
      if (!fiber.stack) fiber.stack = std::make_unique<unsigned char[]>(stack_bytes);
      fiber.state = State::ready;
      getcontext(&fiber.context);
      fiber.context.uc_stack.ss_sp = fiber.stack.get();
      fiber.context.uc_stack.ss_size = stack_bytes;
      fiber.context.uc_link = &scheduler_;
      auto self = reinterpret_cast<uintptr_t>(this);
      makecontext(&fiber.context, reinterpret_cast<void (*)()>(&Block::enter), 2, static_cast<unsigned>(self),
                  static_cast<unsigned>(self >> 32));
    }
    while (step(all)) {
      if (error_) std::rethrow_exception(error_);
    }
  }

  void wait(State reason) {
    if (!together_) fail("waits for other threads, but was not launched with launch_blocks()");
    Fiber& fiber = fibers()[static_cast<size_t>(current_)];
    fiber.state = reason;
    swapcontext(&fiber.context, &scheduler_);
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw EmulationError(std::string(name_) + ", block " + std::to_string(number_) + ", thread " +
                         std::to_string(current_) + ": " + what);
  }

  Thread thread() { return Thread(*this, current_, threads_, number_, blocks_); }
  int current() const { return current_; }
  uint32_t epoch() const { return epoch_; }
  Access& access(size_t offset) { return access_[offset]; }
  std::vector<unsigned char>& shared() { return shared_; }
  std::array<unsigned char, 16>& given(int thread) { return given_[static_cast<size_t>(thread)]; }

 private:
  static void enter(unsigned low, unsigned high) {
    auto* block = reinterpret_cast<Block*>(uintptr_t{high} << 32 | low);
    try {
      block->kernel_(block->thread());
    } catch (...) {  // nothing may leave a fiber
      if (!block->error_) block->error_ = std::current_exception();
    }
    fibers()[static_cast<size_t>(block->current_)].state = State::done;
  }

  /// Lets every thread that can go on do so once; false when all are done or stuck.
  bool step(std::vector<Fiber>& all) {
    bool moved = false;
    for (current_ = 0; current_ < threads_; ++current_) {
      Fiber& fiber = all[static_cast<size_t>(current_)];
      if (fiber.state != State::ready) continue;
      swapcontext(&scheduler_, &fiber.context);
      moved = true;
    }
    if (release(all, 0, threads_, State::at_barrier) || release_warps(all) || moved) return true;
    for (current_ = 0; current_ < threads_; ++current_) {
      State state = all[static_cast<size_t>(current_)].state;
      if (state == State::at_barrier) fail("waits at a barrier that not all threads of the block reach");
      if (state == State::at_exchange) fail("waits for a shuffle that not all lanes of the warp take part in");
    }
    return false;
  }

  /// Wakes the threads [begin, end) when all of them wait for the same thing.
  bool release(std::vector<Fiber>& all, int begin, int end, State reason) {
    for (int i = begin; i < end; ++i)
      if (all[static_cast<size_t>(i)].state != reason) return false;
    for (int i = begin; i < end; ++i) all[static_cast<size_t>(i)].state = State::ready;
    if (reason == State::at_barrier) ++epoch_;
    return true;
  }

  bool release_warps(std::vector<Fiber>& all) {
    bool any = false;
    for (int begin = 0; begin < threads_; begin += warp_size)
      any = release(all, begin, std::min(begin + warp_size, threads_), State::at_exchange) || any;
    return any;
  }

  const char* name_;
  int64_t number_, blocks_;
  int threads_, current_ = 0;
  bool together_;
  const std::function<void(const Thread&)>& kernel_;
  std::vector<unsigned char> shared_;
  std::vector<Access> access_;
  std::vector<std::array<unsigned char, 16>> given_;
  uint32_t epoch_ = 1;
  ucontext_t scheduler_ = {};
  std::exception_ptr error_;
};

void note_read(Block& block, size_t offset) {
  Access& access = block.access(offset);
  if (access.write_epoch == block.epoch() && access.writer != block.current())
    block.fail("reads byte " + std::to_string(offset) + " of shared memory, which thread " +
               std::to_string(access.writer) + " wrote since the last barrier");
  if (access.read_epoch != block.epoch()) {
    access.read_epoch = block.epoch();
    access.reader = block.current();
    access.many_readers = false;
  } else if (access.reader != block.current()) {
    access.many_readers = true;
  }
}

void note_write(Block& block, size_t offset) {
  Access& access = block.access(offset);
  if (access.write_epoch == block.epoch() && access.writer != block.current())
    block.fail("writes byte " + std::to_string(offset) + " of shared memory, as thread " +
               std::to_string(access.writer) + " did since the last barrier");
  if (access.read_epoch == block.epoch() && (access.many_readers || access.reader != block.current()))
    block.fail("writes byte " + std::to_string(offset) + " of shared memory, which " +
               (access.reader == block.current() ? "another thread" : "thread " + std::to_string(access.reader)) +
               " read since the last barrier");
  access.write_epoch = block.epoch();
  access.writer = block.current();
}

void check_bounds(const Block& block, int index, int count) {
  if (index < 0 || index >= count)
    block.fail("index " + std::to_string(index) + " of a shared array of " + std::to_string(count));
}

void run(const char* name, int64_t blocks, int threads, size_t shared_bytes, bool together,
         const std::function<void(const Thread&)>& kernel) {
  if (blocks < 1 || blocks > most_blocks || threads < 1 || threads > most_threads || shared_bytes > most_shared_bytes)
    throw ValueError(std::string(name) + ": expected 1 to 2^31 - 1 blocks of 1 to 1024 threads with at most " +
                     std::to_string(most_shared_bytes) + " bytes shared, got " + std::to_string(blocks) + " of " +
                     std::to_string(threads) + " with " + std::to_string(shared_bytes));
  const OpenMemory open;
  for (int64_t number = 0; number < blocks; ++number) {
    Block block(name, number, blocks, threads, shared_bytes, together, kernel);
    if (together) block.run_together();
    else block.run_one_after_the_other();
  }
}

}  // namespace weft::cuda::emulation

namespace weft::cuda {

void Thread::sync() const { owner_->wait(emulation::State::at_barrier); }

void Thread::exchange(const void* mine, void* result, size_t bytes, int from) const {
  std::memcpy(owner_->given(index_).data(), mine, bytes);
  owner_->wait(emulation::State::at_exchange);
  const int source = index_ / warp_size * warp_size + from;
  if (source >= block_size_) owner_->fail("shuffles with lane " + std::to_string(from) + ", which is not there");
  std::memcpy(result, owner_->given(source).data(), bytes);
  owner_->wait(emulation::State::at_exchange);
}

uint32_t Thread::ballot(bool mine) const {
  owner_->given(index_)[0] = mine;
  owner_->wait(emulation::State::at_exchange);
  const int first = index_ / warp_size * warp_size;
  uint32_t bits = 0;
  for (int i = 0; i < warp_size && first + i < block_size_; ++i) bits |= uint32_t{owner_->given(first + i)[0]} << i;
  owner_->wait(emulation::State::at_exchange);
  return bits;
}

unsigned char* Thread::shared_memory(size_t offset, size_t bytes) const {
  auto& memory = owner_->shared();
  if (offset + bytes > memory.size())
    owner_->fail("takes bytes " + std::to_string(offset) + " to " + std::to_string(offset + bytes) + " of " +
                 std::to_string(memory.size()) + " of shared memory");
  return memory.data();
}

}  // namespace weft::cuda
