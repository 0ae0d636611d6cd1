#!/usr/bin/env bash
# The projects of examples/extending (an op, a layer, a backend) against the shared library that the consumers stage installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
if command -v ccache >/dev/null; then export CMAKE_CXX_COMPILER_LAUNCHER=ccache; fi
examples/extending/run.sh build/ci/consumers/shared "$PWD/build/ci/consumers/extending"
