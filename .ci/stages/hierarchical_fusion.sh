#!/usr/bin/env bash
# Short trainings: maps with a legend, where whoever does not look the legend up stays below 0.25, and digits.
set -euo pipefail
cd "$(dirname "$0")/../.."

out=build/ci/hierarchical_fusion
rm -rf "$out"
build/release/bin/hierarchy train --task legend --preset quick --seed 0 --quiet --out "$out/legend" --expect 0.45
build/release/bin/hierarchy evaluate --task legend --preset quick --out "$out/legend" --expect 0.45
build/release/bin/hierarchy show --task legend --pictures 2 --out "$out/legend"
examples/hierarchical_fusion/fetch_data.sh || echo "the digits could not be fetched"
build/release/bin/hierarchy train --task digits --preset quick --seed 0 --quiet --out "$out/digits" --expect 0.9
build/release/bin/hierarchy table "$out/legend" "$out/digits"
