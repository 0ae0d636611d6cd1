#include <weft/training/state_check.hpp>

#include <algorithm>

#include <weft/core/error.hpp>

namespace weft {

void append_item(std::string& list, const std::string& item) { list += (list.empty() ? "" : ", ") + item; }

void check_same_names(const std::string& what, const std::vector<std::string>& expected, const State& got) {
  std::string missing, unexpected;
  for (const std::string& name : expected)
    if (!got.contains(name)) append_item(missing, name);
  std::vector<std::string> sorted = expected;
  std::sort(sorted.begin(), sorted.end());
  for (auto [name, value, kind] : got)
    if (!std::binary_search(sorted.begin(), sorted.end(), name)) append_item(unexpected, name);
  if (missing.empty() && unexpected.empty()) return;
  throw StateError(what + (missing.empty() ? "" : "; missing: " + missing) +
                   (unexpected.empty() ? "" : "; unexpected: " + unexpected));
}

void check_spec(std::string& misshapen, const std::string& name, const Spec& expected, const State& got) {
  if (got.contains(name) && !(got[name].spec() == expected))
    append_item(misshapen, name + " (expected " + to_string(expected) + ", got " + to_string(got[name].spec()) + ")");
}

}  // namespace weft
