#include <weft/layers/state.hpp>

#include <algorithm>
#include <numeric>

#include <weft/core/error.hpp>

namespace weft {

void StateLayout::sort() {
  sorted.resize(paths.size());
  std::iota(sorted.begin(), sorted.end(), size_t{0});
  std::sort(sorted.begin(), sorted.end(), [&](size_t a, size_t b) { return paths[a] < paths[b]; });
}

size_t StateLayout::find(std::string_view path) const {
  auto found = std::lower_bound(sorted.begin(), sorted.end(), path,
                                [&](size_t place, std::string_view wanted) { return paths[place] < wanted; });
  return found != sorted.end() && paths[*found] == path ? *found : paths.size();
}

const Tensor& State::operator[](std::string_view path) const {
  size_t place = layout_->find(path);
  if (place < size()) return values_[place];
  std::string have;
  for (size_t i = 0; i < std::min<size_t>(size(), 12); ++i) have += (i ? ", " : "") + layout_->paths[i];
  if (size() > 12) have += ", ...";
  throw IndexError("state: expected one of the paths {" + have + "}, got " + std::string(path));
}

void State::set(const std::string& path, const Tensor& value, const VariableKind* kind) {
  size_t place = layout_->find(path);
  if (place < size()) {
    values_[place] = value;
    return;
  }
  auto layout = std::make_shared<StateLayout>(*layout_);
  layout->paths.push_back(path);
  layout->kinds.push_back(kind);
  layout->sort();
  layout_ = std::move(layout);
  values_.push_back(value);
}

void State::erase(std::string_view path) {
  size_t place = layout_->find(path);
  if (place == size()) return;
  auto layout = std::make_shared<StateLayout>(*layout_);
  auto offset = static_cast<std::ptrdiff_t>(place);
  layout->paths.erase(layout->paths.begin() + offset);
  layout->kinds.erase(layout->kinds.begin() + offset);
  layout->sort();
  layout_ = std::move(layout);
  values_.erase(values_.begin() + offset);
}

bool State::same_paths(const State& other) const {
  return layout_ == other.layout_ || layout_->paths == other.layout_->paths;
}

State State::filter(const Filter& filter) const {
  auto layout = std::make_shared<StateLayout>();
  std::vector<Tensor> chosen;
  for (auto [path, value, kind] : *this) {
    if (!filter({path, kind, nullptr})) continue;
    layout->paths.push_back(path);
    layout->kinds.push_back(kind);
    chosen.push_back(value);
  }
  layout->sort();
  return State(std::move(layout), std::move(chosen));
}

State State::map(const std::function<Tensor(const std::string&, const Tensor&)>& function) const {
  std::vector<Tensor> mapped;
  mapped.reserve(size());
  for (size_t i = 0; i < size(); ++i) mapped.push_back(function(path(i), value(i)));
  return State(layout_, std::move(mapped));
}

State merge_states(const std::vector<State>& states) {
  auto layout = std::make_shared<StateLayout>();
  std::vector<Tensor> values;
  for (const State& state : states)
    for (auto [path, value, kind] : state) {
      layout->paths.push_back(path);
      layout->kinds.push_back(kind);
      values.push_back(value);
    }
  layout->sort();
  for (size_t i = 1; i < layout->sorted.size(); ++i) {
    const std::string& path = layout->paths[layout->sorted[i]];
    if (path == layout->paths[layout->sorted[i - 1]])
      throw ValueError("merge_states: expected every path once, got " + path + " twice");
  }
  return State(std::move(layout), std::move(values));
}

std::string to_string(const State& state) {
  std::string text;
  for (auto [path, value, kind] : state) {
    text += path + "  " + (value.defined() ? to_string(value.spec()) : "undefined");
    if (kind) text += "  " + std::string(kind->name);
    text += '\n';
  }
  return text;
}

}  // namespace weft
