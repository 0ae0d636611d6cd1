#!/usr/bin/env bash
# Installs what is missing, builds, fetches easy-VQA and trains on it. Arguments go to `vqa train`, after `--preset full`.
set -euo pipefail
cd "$(dirname "$0")/../.."

cmake/install_dependencies.sh
cmake --preset release
cmake --build --preset release --target vqa

# Without the real set `vqa` says so and draws pictures of the same kind itself.
examples/vqa/fetch_data.sh || echo "easy-VQA could not be fetched" >&2

build/release/bin/vqa train --preset full "$@"
