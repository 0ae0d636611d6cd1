#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include <weft/core/parallel.hpp>

/// What this machine can do at most, measured here and now: the yardsticks that benchmark results are given in percent
/// of. Figures are the best of many short windows, so that a neighbour's visit does not lower them.
namespace weft::bench {

namespace detail {

// Twelve independent chains of multiply-adds, in registers alone. Written in assembly so that no compiler merges,
// splits or spills them, and so that one unit holds every instruction set.
#define WEFT_PROBE_CHAINS(chain) \
  chain(0) chain(1) chain(2) chain(3) chain(4) chain(5) chain(6) chain(7) chain(8) chain(9) chain(10) chain(11)
#define WEFT_PROBE_CLOBBERS                                                                                        \
  "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", \
      "xmm13"

#if defined(__x86_64__)
#define WEFT_PROBE_ZERO(i) "vxorps %%ymm" #i ", %%ymm" #i ", %%ymm" #i "\n"
#define WEFT_PROBE_FMA512(i) "vfmadd231ps %%zmm13, %%zmm12, %%zmm" #i "\n"
#define WEFT_PROBE_FMA256(i) "vfmadd231ps %%ymm13, %%ymm12, %%ymm" #i "\n"
#define WEFT_PROBE_ZERO128(i) "xorps %%xmm" #i ", %%xmm" #i "\n"

inline double fma_loop_avx512(int64_t count) {
  float a = 1.25e-3f, b = 0.75f;
  const int64_t rounds = count;
  asm volatile(WEFT_PROBE_CHAINS(WEFT_PROBE_ZERO)
               "vbroadcastss %1, %%zmm12\n"
               "vbroadcastss %2, %%zmm13\n"
               "1:\n" WEFT_PROBE_CHAINS(WEFT_PROBE_FMA512)
               "dec %0\n"
               "jnz 1b\n"
               "vzeroupper\n"
               : "+r"(count)
               : "m"(a), "m"(b)
               : WEFT_PROBE_CLOBBERS);
  return static_cast<double>(rounds) * 12 * 16 * 2;
}

inline double fma_loop_avx2(int64_t count) {
  float a = 1.25e-3f, b = 0.75f;
  const int64_t rounds = count;
  asm volatile(WEFT_PROBE_CHAINS(WEFT_PROBE_ZERO)
               "vbroadcastss %1, %%ymm12\n"
               "vbroadcastss %2, %%ymm13\n"
               "1:\n" WEFT_PROBE_CHAINS(WEFT_PROBE_FMA256)
               "dec %0\n"
               "jnz 1b\n"
               "vzeroupper\n"
               : "+r"(count)
               : "m"(a), "m"(b)
               : WEFT_PROBE_CLOBBERS);
  return static_cast<double>(rounds) * 12 * 8 * 2;
}

/// Without a fused instruction: as many multiplications as additions, side by side.
inline double fma_loop_sse2(int64_t count) {
  float a = 1.0f, b = 0.75f;
  const int64_t rounds = count;
  asm volatile(WEFT_PROBE_CHAINS(WEFT_PROBE_ZERO128)
               "movss %1, %%xmm12\n"
               "shufps $0, %%xmm12, %%xmm12\n"
               "movss %2, %%xmm13\n"
               "shufps $0, %%xmm13, %%xmm13\n"
               "1:\n"
               "mulps %%xmm12, %%xmm0\naddps %%xmm13, %%xmm6\n"
               "mulps %%xmm12, %%xmm1\naddps %%xmm13, %%xmm7\n"
               "mulps %%xmm12, %%xmm2\naddps %%xmm13, %%xmm8\n"
               "mulps %%xmm12, %%xmm3\naddps %%xmm13, %%xmm9\n"
               "mulps %%xmm12, %%xmm4\naddps %%xmm13, %%xmm10\n"
               "mulps %%xmm12, %%xmm5\naddps %%xmm13, %%xmm11\n"
               "dec %0\n"
               "jnz 1b\n"
               : "+r"(count)
               : "m"(a), "m"(b)
               : WEFT_PROBE_CLOBBERS);
  return static_cast<double>(rounds) * 12 * 4;
}
#elif defined(__aarch64__)
#define WEFT_PROBE_ZERO(i) "movi v" #i ".4s, #0\n"
#define WEFT_PROBE_FMA(i) "fmla v" #i ".4s, v12.4s, v13.4s\n"
inline double fma_loop_neon(int64_t count) {
  float a = 1.25e-3f, b = 0.75f;
  const int64_t rounds = count;
  asm volatile(WEFT_PROBE_CHAINS(WEFT_PROBE_ZERO)
               "ld1r {v12.4s}, [%1]\n"
               "ld1r {v13.4s}, [%2]\n"
               "1:\n" WEFT_PROBE_CHAINS(WEFT_PROBE_FMA)
               "subs %0, %0, #1\n"
               "b.ne 1b\n"
               : "+r"(count)
               : "r"(&a), "r"(&b)
               : "cc", "memory", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12",
                 "v13");
  return static_cast<double>(rounds) * 12 * 4 * 2;
}
#endif

inline double fma_loop(std::string_view isa, int64_t count) {
#if defined(__x86_64__)
  if (isa == "avx512") return fma_loop_avx512(count);
  if (isa == "avx2") return fma_loop_avx2(count);
  return fma_loop_sse2(count);
#elif defined(__aarch64__)
  static_cast<void>(isa);
  return fma_loop_neon(count);
#else
  static_cast<void>(isa);
  return 0 * static_cast<double>(count);
#endif
}

using Clock = std::chrono::steady_clock;
inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace detail

/// FLOP per second of float32 multiply-adds on `threads` threads of core/parallel.hpp with the instructions of `isa`
/// ("avx512", "avx2", "sse2" or "neon", which this processor must have). Looks for `seconds`, in windows of 2 ms.
inline double fma_peak(std::string_view isa, int threads, double seconds = 0.05) {
  constexpr double window = 2e-3;
  const int before = num_threads();
  if (threads != before) set_num_threads(threads);
  std::vector<double> done(static_cast<size_t>(threads) * 16);  // a cache line for each
  double best = 0;
  const auto start = detail::Clock::now();
  do {
    std::fill(done.begin(), done.end(), 0.0);
    const auto begin = detail::Clock::now();
    // Each task works until the window closes; a thread that comes late does less, and never a task twice.
    parallel_for(threads, [&](int64_t task) {
      double& mine = done[static_cast<size_t>(task) * 16];
      while (detail::seconds_since(begin) < window) mine += detail::fma_loop(isa, 2000);
    });
    const double took = detail::seconds_since(begin);
    double total = 0;
    for (double value : done) total += value;
    best = std::max(best, total / took);
  } while (detail::seconds_since(start) < seconds);
  if (threads != before) set_num_threads(before);
  return best;
}

/// Bytes per second of a[i] = b[i] + s * c[i] on arrays of `megabytes` in all (take several times the last cache),
/// counted as the STREAM benchmark does: two reads and one write.
inline double stream_triad(int threads, double seconds = 0.3, int64_t megabytes = 384) {
  const int before = num_threads();
  if (threads != before) set_num_threads(threads);
  const int64_t length = megabytes * 1024 * 1024 / 12;
  std::vector<float> a(static_cast<size_t>(length)), b(static_cast<size_t>(length), 0.5f),
      c(static_cast<size_t>(length), 0.25f);
  constexpr int64_t chunk = 256 * 1024;
  double best = 0;
  const auto start = detail::Clock::now();
  do {
    const auto begin = detail::Clock::now();
    parallel_chunks(length, chunk, [&](int64_t first, int64_t last) {
      float* __restrict target = a.data();
      const float *left = b.data(), *right = c.data();
      for (int64_t i = first; i < last; ++i) target[i] = left[i] + 3.0f * right[i];
    });
    best = std::max(best, 12.0 * static_cast<double>(length) / detail::seconds_since(begin));
  } while (detail::seconds_since(start) < seconds);
  if (threads != before) set_num_threads(before);
  return best;
}

}  // namespace weft::bench
