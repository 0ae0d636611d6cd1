#!/usr/bin/env bash
# A short training on the made world: above what the LiDAR alone reaches in as many steps. Then the other commands, on
# few scenes.
set -euo pipefail
cd "$(dirname "$0")/../.."

out=build/ci/sensor_fusion
rm -rf "$out"
build/release/bin/fusion train --preset quick --seed 0 --quiet --out "$out" --expect 0.29
build/release/bin/fusion show --preset quick --test-scenes 50 --out "$out"
build/release/bin/fusion table "$out/metrics.json"
