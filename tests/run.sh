#!/usr/bin/env bash
# Installs what is missing, builds everything and runs the whole test suite. Arguments go to ctest.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake/install_dependencies.sh
cmake --preset release
cmake --build --preset release
ctest --preset release --parallel "$(nproc)" "$@"
