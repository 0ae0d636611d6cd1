#!/usr/bin/env bash
# Configures, builds and runs the projects here against an installed Weft.
#
#   run.sh PREFIX [BUILD_FOLDER]
set -euo pipefail
prefix=$(realpath "${1:?usage: run.sh PREFIX [BUILD_FOLDER]}")
cd "$(dirname "$0")"
builds=${2:-../../build/extending}
for project in op layer backend; do
  echo "== $project"
  cmake -S "$project" -B "$builds/$project" --fresh -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror"
  cmake --build "$builds/$project"
  "$builds/$project/$project"
done
