#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <weft/backends/cpu/isa.hpp>
#include <weft/core/parallel.hpp>

namespace weft::test {

/// Puts the instruction set and the number of threads back when the test ends.
struct CpuGuard {
  std::string isa{cpu::isa_name()};
  int threads = num_threads();
  ~CpuGuard() {
    cpu::set_isa(isa);
    set_num_threads(threads);
  }
};

/// Calls f once under each instruction set that this machine has.
template <class F> void for_each_isa(F&& f) {
  CpuGuard guard;
  for (std::string_view isa : cpu::available_isas()) {
    cpu::set_isa(isa);
    f(std::string(isa));
  }
}

template <class T> std::vector<T> random_values(int64_t count, unsigned seed, double low = -1, double high = 1) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) value = static_cast<T>(uniform(generator));
  return values;
}

template <class T> bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace weft::test
