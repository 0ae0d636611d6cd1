#!/usr/bin/env bash
# Every C++ file is as clang-format 14 would write it.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files -z --cached --others --exclude-standard '*.hpp' '*.cpp' '*.cu' '*.cuh' |
  xargs -0 -r -n 16 -P "$(nproc)" clang-format-14 --dry-run -Werror
