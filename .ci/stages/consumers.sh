#!/usr/bin/env bash
# Projects outside the tree: find_package with the static and with the shared library installed, and add_subdirectory.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
work=$root/build/ci/consumers
rm -rf "$work"/{static,shared}

cmake --install build/release --prefix "$work/static" >/dev/null
cmake -S . -B "$work/build-shared" -G Ninja -DBUILD_SHARED_LIBS=ON \
  -DWEFT_BUILD_TESTS=OFF -DWEFT_BUILD_EXAMPLES=OFF -DWEFT_BUILD_BENCH=OFF
cmake --build "$work/build-shared"
cmake --install "$work/build-shared" --prefix "$work/shared" >/dev/null

consume() {  # NAME PROJECT CMAKE-ARGUMENTS...
  local name=$1 project=$2
  shift 2
  echo "== $name"
  cmake -S "tests/consumer/$project" -B "$work/$name-consumer" --fresh -G Ninja \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" "$@"
  cmake --build "$work/$name-consumer"
  "$(find "$work/$name-consumer" -name consumer -type f -executable)"
}
consume static find_package -DCMAKE_PREFIX_PATH="$work/static"
consume shared find_package -DCMAKE_PREFIX_PATH="$work/shared"
consume subdirectory add_subdirectory
