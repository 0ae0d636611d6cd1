#!/usr/bin/env bash
# The CUDA backend for all its GPUs, without warnings, and what its programs do where there is no driver. Exits with 77, and
# says why, where there is no compiler for it: it is not part of Debian.
set -euo pipefail
cd "$(dirname "$0")/../.."

nvcc=
for candidate in "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc /usr/local/cuda-13*/bin/nvcc; do
  if [ -x "$candidate" ] && "$candidate" --version | grep -q 'release 1[3-9]\.'; then
    nvcc=$candidate
    break
  fi
done
if [ -z "$nvcc" ]; then
  echo "no nvcc of CUDA 13, on the path or in /usr/local/cuda"
  exit 77
fi
cmake/install_dependencies.sh --cuda || echo "cudnn-frontend's headers could not be had: cuDNN is left out"
launcher=$(command -v ccache || true)
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD}  # what other builds of this checkout have compiled is the same here
cmake --preset cuda -DWEFT_WERROR=ON -DWEFT_BUILD_BENCH=OFF -DCMAKE_CUDA_COMPILER="$nvcc" \
  -DCMAKE_CUDA_COMPILER_LAUNCHER="$launcher"
cmake --build --preset cuda --target weft test_cuda ask_for_device vqa
ctest --preset cuda -R '^cuda: programs start without a driver$'
echo "seconds of the slowest files:"
awk -F'\t' '$4 ~ /\.cu\.o$/ {printf "%6.1f  %s\n", ($2 - $1) / 1000, $4}' build/cuda/.ninja_log | sort -rn | head -n 8
