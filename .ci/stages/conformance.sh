#!/usr/bin/env bash
# The golden cases of Flax, optax and PyTorch beside the checkout, where they are there: none may fail, and those skipped are
# the expected ones.
set -euo pipefail
cd "$(dirname "$0")/../.."

golden=../shared/golden
if [ ! -d "$golden" ]; then
  echo "no $golden: only the committed cases run, in the suite"
  exit 0
fi
for device in cpu reference; do
  build/release/bin/conformance "$golden" --device "$device" --skips tests/conformance/expected_skips.txt
done
