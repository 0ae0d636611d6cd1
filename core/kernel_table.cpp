#include <weft/core/kernel_table.hpp>

#include <deque>
#include <mutex>
#include <string>

namespace weft {
namespace {

struct Names {
  std::mutex mutex;
  std::deque<std::string> list;  // a deque keeps its strings in place
};

Names& names() {
  static Names instance;
  return instance;
}

}  // namespace

PrimitiveId primitive_id(std::string_view name) {
  Names& known = names();
  std::lock_guard lock(known.mutex);
  for (size_t i = 0; i < known.list.size(); ++i)
    if (known.list[i] == name) return static_cast<PrimitiveId>(i);
  known.list.emplace_back(name);
  return static_cast<PrimitiveId>(known.list.size() - 1);
}

std::string_view primitive_name(PrimitiveId id) {
  Names& known = names();
  std::lock_guard lock(known.mutex);
  return known.list[static_cast<size_t>(id)];
}

void KernelTable::add(PrimitiveId id, KernelEntry entry) {
  auto i = static_cast<size_t>(id);
  if (i >= entries_.size()) entries_.resize(i + 1);
  entries_[i] = entry;
}

void KernelTable::set_tiled(PrimitiveId id) { entries_[static_cast<size_t>(id)].tiled = true; }

}  // namespace weft
