#!/usr/bin/env bash
# Runs the tests of the ops on machines that are not here: on arm64 (cross compiler and emulator), and on an x86-64 without AVX.
#
#   tests/run_emulated.sh [arm64|x86-64] [CATCH2-ARGUMENTS...]      both, unless one is named
set -euo pipefail
cd "$(dirname "$0")/.."

machines=(arm64 x86-64)
case "${1:-}" in
  arm64 | x86-64) machines=("$1"); shift ;;
esac

cmake/install_dependencies.sh --arm
for machine in "${machines[@]}"; do
  echo "== $machine"
  if [ "$machine" = arm64 ]; then
    cmake -S . -B build/arm64 -G Ninja -DCMAKE_BUILD_TYPE=Release --toolchain "$PWD/cmake/toolchains/aarch64-linux-gnu.cmake"
    cmake --build build/arm64 --target test_autograd
    qemu-aarch64 -L /usr/aarch64-linux-gnu build/arm64/bin/test_autograd "$@"
  else
    cmake --preset release
    cmake --build --preset release --target test_autograd
    qemu-x86_64 -cpu Nehalem build/release/bin/test_autograd "$@"
  fi
done
