#!/usr/bin/env bash
# The projects of examples/extending (an op, a layer, a backend) against the installed shared library; each runs its tests.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$PWD/build/ci/consumers
for project in examples/extending/*/CMakeLists.txt; do
  folder=$(dirname "$project")
  build=$work/extending-$(basename "$folder")
  echo "== $folder"
  cmake -S "$folder" -B "$build" --fresh -G Ninja -DCMAKE_PREFIX_PATH="$work/shared" -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" \
    -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)"
  cmake --build "$build"
  ctest --test-dir "$build" --output-on-failure --no-tests=error
done
