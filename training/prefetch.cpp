#include <weft/training/prefetch.hpp>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace weft {

struct Prefetcher::Impl {
  struct Made {
    std::shared_ptr<void> item;
    std::exception_ptr error;
  };

  Impl(int64_t first, int64_t last_item, int64_t ahead_items, Make make_item)
      : make(std::move(make_item)), ahead(ahead_items), last(last_item), wanted(first), begun(first) {}

  ~Impl() {
    {
      std::lock_guard lock(mutex);
      stopped = true;
    }
    room.notify_all();
    for (std::thread& worker : workers) worker.join();
  }

  Made try_make(int64_t item) const {
    try {
      return {make(item), nullptr};
    } catch (...) { return {nullptr, std::current_exception()}; }
  }

  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      room.wait(lock, [&] { return stopped || begun >= last || begun < wanted + ahead; });
      if (stopped || begun >= last) return;
      int64_t item = begun++;
      lock.unlock();
      Made made = try_make(item);
      lock.lock();
      ready.emplace(item, std::move(made));
      arrived.notify_one();
    }
  }

  Made take() {
    if (workers.empty()) return try_make(wanted++);
    std::unique_lock lock(mutex);
    arrived.wait(lock, [&] { return ready.count(wanted) != 0; });
    auto found = ready.find(wanted++);
    Made made = std::move(found->second);
    ready.erase(found);
    room.notify_one();
    return made;
  }

  const Make make;
  const int64_t ahead;
  int64_t last;
  int64_t wanted;  // the item that next() gives
  int64_t begun;   // the first item that no worker has taken yet
  bool stopped = false;
  std::map<int64_t, Made> ready;
  std::mutex mutex;
  std::condition_variable room, arrived;
  std::vector<std::thread> workers;
};

Prefetcher::Prefetcher(int workers, int ahead, int64_t first, int64_t last, Make make)
    : impl_(std::make_unique<Impl>(first, last, std::max({ahead, workers, 1}), std::move(make))) {
  int64_t useful = std::clamp<int64_t>(last - first, 0, std::max(workers, 0));
  for (int64_t i = 0; i < useful; ++i) impl_->workers.emplace_back([impl = impl_.get()] { impl->work(); });
}

Prefetcher::~Prefetcher() = default;
Prefetcher::Prefetcher(Prefetcher&&) noexcept = default;
Prefetcher& Prefetcher::operator=(Prefetcher&&) noexcept = default;

std::shared_ptr<void> Prefetcher::next() {
  if (impl_->wanted >= impl_->last) return nullptr;
  Impl::Made made = impl_->take();
  if (made.error) {
    std::exception_ptr error = made.error;
    impl_.reset();                                                             // joins the workers, then ...
    impl_ = std::make_unique<Impl>(0, 0, 1, [](int64_t) { return nullptr; });  // ... there is nothing more
    std::rethrow_exception(error);
  }
  return made.item;
}

}  // namespace weft
