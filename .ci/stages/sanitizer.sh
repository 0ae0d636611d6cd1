#!/usr/bin/env bash
# Builds a sanitizer preset without warnings and runs its tests (tsan: those labelled `threads`).
set -euo pipefail
cd "$(dirname "$0")/../.."
preset=$1
export ASAN_OPTIONS=detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1
cmake --preset "$preset" -DWEFT_WERROR=ON
cmake --build --preset "$preset"
ctest --preset "$preset"
