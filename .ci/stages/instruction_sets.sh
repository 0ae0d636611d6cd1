#!/usr/bin/env bash
# The suite under every instruction set this machine has, besides the one it chooses by itself.
set -euo pipefail
cd "$(dirname "$0")/../.."

has() {
  local flag
  for flag in "$@"; do grep -qw -m1 "$flag" /proc/cpuinfo || return 1; done
}

sets=()
has avx512f avx512dq avx512bw avx512cd avx512vl && sets+=(avx512)
has avx2 fma f16c && sets+=(avx2)
has sse2 && sets+=(sse2)
for isa in "${sets[@]:1}"; do
  echo "== WEFT_CPU_ISA=$isa"
  WEFT_CPU_ISA=$isa ctest --preset release
done
