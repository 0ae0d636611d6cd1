#!/usr/bin/env bash
# A short training, on easy-VQA where it can be had: well above the question-only prior of 67 %, or the pictures went unused.
set -euo pipefail
cd "$(dirname "$0")/../.."

out=build/ci/vqa
rm -rf "$out"
data=synthetic
examples/vqa/fetch_data.sh && data=easy-vqa
build/release/bin/vqa train --data "$data" --preset quick --seed 0 --out "$out"
python3 - "$out/metrics.json" <<'PYTHON'
import json, sys

metrics = json.load(open(sys.argv[1]))
accuracy, seconds = metrics["test_accuracy"], metrics["seconds"]
accuracy = accuracy if accuracy <= 1 else accuracy / 100
print(f"test accuracy {accuracy:.4f} after {seconds:.0f} s")
sys.exit(accuracy < 0.85)
PYTHON
