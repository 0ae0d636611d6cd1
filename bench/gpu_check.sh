#!/usr/bin/env bash
# Checks and times the CUDA backend on this machine's GPU, within ten minutes, and leaves a folder of results with a summary.
#
#   bench/gpu_check.sh pack              fills .gpu_check/ with what a machine may lack: headers and libraries, golden cases,
#                                        easy-VQA. Where the packages of cmake/install_dependencies.sh are installed
#   bench/gpu_check.sh [--out FOLDER] [--seconds N] [--device D] [--only STEP]...
#                                        on the GPU machine: needs the CUDA toolkit, CMake, a C++ compiler, and .gpu_check/
#                                        beside the sources; PyTorch is compared with where python3 has it
#
# cuDNN and cuBLASLt are opened when programs run: WEFT_CUDA_LIBRARY_PATH names their folder where the loader does not know it.
# Steps go on after failures, each within its own time; those for which no time is left say so.
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
files=$root/.gpu_check

if [ "${1:-}" = pack ]; then
  exec bench/gpu/pack.sh "$files"
fi

out=$root/build/gpu_check/results
total=600
device=cuda
only=()
while [ $# -gt 0 ]; do
  case "$1" in
    --out) out=$2; shift 2 ;;
    --seconds) total=$2; shift 2 ;;
    --device) device=$2; shift 2 ;;
    --only) only+=("$2"); shift 2 ;;
    *) echo "gpu_check.sh: unknown option $1 (known: pack, --out, --seconds, --device, --only)" >&2; exit 2 ;;
  esac
done
mkdir -p "$out"
out=$(cd "$out" && pwd)
build=$root/build/gpu_check/build
jobs=$(nproc)
summary=$out/summary.md
failed=0

{
  echo "# CUDA check, $(date -u +%Y-%m-%d)"
  echo
  nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap --format=csv,noheader 2>/dev/null | sed 's/^/GPU: /' ||
    echo "GPU: none was found"
  echo
  echo "| step | result | seconds | |"
  echo "|---|---|---:|---|"
} >"$summary"

# step NAME SECONDS COMMAND...: runs the command with its output in NAME.log; 77 means that it lacks what its last line names.
step() {
  local name=$1 limit=$2 begin=$SECONDS status=0 result note word
  shift 2
  if [ ${#only[@]} -gt 0 ]; then
    for word in "${only[@]}" ""; do [ "$word" = "$name" ] && break; done
    [ "$word" = "$name" ] || return 0
  fi
  local left=$((total - SECONDS))
  [ "$limit" -gt "$left" ] && limit=$left
  if [ "$limit" -lt 5 ]; then
    echo "| $name | not run | | no time was left |" >>"$summary"
    return 0
  fi
  timeout -k 5 "$limit" "$@" >"$out/$name.log" 2>&1 || status=$?
  note=$(grep -v '^[[:space:]]*$' "$out/$name.log" | tail -n 1 | tr '|' '/' | cut -c1-160)
  case $status in
    0) result=passed ;;
    77) result="not run" ;;
    124 | 137) result="cut off at $limit s"; failed=1 ;;
    *) result=FAILED; failed=1 ;;
  esac
  echo "| $name | $result | $((SECONDS - begin)) | $note |" >>"$summary"
  echo "$name: $result ($((SECONDS - begin)) s) $note"
}

missing() { echo "$*"; exit 77; }

build_all() {
  local prefix=$files/usr architecture generator=()
  [ -d "$prefix" ] || { echo "expected $files, which 'bench/gpu_check.sh pack' fills"; exit 1; }
  architecture=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d '. ')
  [ -n "$architecture" ] || architecture=90
  [ "$architecture" = 90 ] && architecture=90a
  command -v ninja >/dev/null && generator=(-G Ninja)
  local nvcc
  nvcc=$(command -v nvcc || ls /usr/local/cuda*/bin/nvcc 2>/dev/null | head -n 1)
  local cudnn=()
  [ -f "$files/cudnn/cudnn_frontend.h" ] &&
    cudnn=(-DWEFT_CUDNN_INCLUDE_DIR="$files/cudnn" -DWEFT_CUDNN_FRONTEND_INCLUDE_DIR="$files/cudnn")
  local library=$prefix/lib/x86_64-linux-gnu
  cmake -S . -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DWEFT_CUDA=ON -DCMAKE_CUDA_COMPILER="$nvcc" \
    -DWEFT_CUDA_ARCHITECTURES="$architecture-real" -DWEFT_INSTALL=OFF -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_LIBRARY_ARCHITECTURE=x86_64-linux-gnu \
    -DPNG_LIBRARY="$library/libpng16.so.16" -DPNG_PNG_INCLUDE_DIR="$prefix/include" \
    -DJPEG_LIBRARY="$library/libjpeg.so.62" -DJPEG_INCLUDE_DIR="$prefix/include;$prefix/include/x86_64-linux-gnu" \
    -DZLIB_LIBRARY="$library/libz.so.1" -DZLIB_INCLUDE_DIR="$prefix/include" \
    "${cudnn[@]}" \
    -DCMAKE_CXX_FLAGS="-isystem $prefix/include -isystem $prefix/include/x86_64-linux-gnu" &&
    cmake --build "$build" --parallel "$jobs" --target test_cuda test_grid conformance vqa bench_gpu
}

sanitize() {  # TOOL
  command -v compute-sanitizer >/dev/null || PATH=$PATH:$(ls -d /usr/local/cuda*/bin 2>/dev/null | head -n 1)
  command -v compute-sanitizer >/dev/null || missing "no compute-sanitizer"
  compute-sanitizer --tool "$1" --error-exitcode 9 --print-limit 20 "$build/bin/test_cuda" "every cuda kernel gives what the reference gives"
}

train() {
  local data=$files/easy-vqa
  [ -d "$data" ] || missing "no $data"
  "$build/bin/vqa" train --preset quick --seed 0 --device "$device" --data-dir "$data" --quiet --out "$out/vqa" --expect 0.85
}

torch_peer() {  # MODE SDPA PART...
  python3 -c 'import torch, sys; sys.exit(0 if torch.cuda.is_available() else 77)' 2>/dev/null || missing "python3 has no torch for this GPU"
  local mode=$1 sdpa=$2
  shift 2
  python3 bench/gpu/peer_torch_gpu.py --device "$device" --mode "$mode" --sdpa "$sdpa" --seconds 0.2 \
    --arrays "$build/arrays" bench/gpu/workloads.json "$@"
}

export -f build_all sanitize train torch_peer missing
export root files build jobs device out

bash_step() {  # NAME SECONDS FUNCTION ARGUMENTS...
  local name=$1 limit=$2
  shift 2
  step "$name" "$limit" bash -c 'set -uo pipefail; "$@"' gpu_check "$@"
}

workloads=bench/gpu/workloads.json
bash_step build 300 build_all
step op_tests 90 "$build/bin/test_cuda"
step suite 60 env WEFT_TEST_DEVICE="$device" "$build/bin/test_grid" "~[host]"
step conformance 60 "$build/bin/conformance" "$files/golden" --device "$device" --skips tests/conformance/expected_skips.txt
step memory 40 "$build/bin/bench_gpu" --device "$device" --steps 10000 "$workloads" "vqa step"
bash_step vqa 90 train
step arrays 20 "$build/bin/bench_gpu" --device cpu --save "$build/arrays" "$workloads" mha step
step weft 60 "$build/bin/bench_gpu" --device "$device" --seconds 0.2 "$workloads"
bash_step torch_eager 40 torch_peer eager auto
bash_step torch_graph 40 torch_peer graph auto
for sdpa in flash cudnn efficient; do
  bash_step "torch_$sdpa" 20 torch_peer eager "$sdpa" sdpa
done
bash_step memcheck 60 sanitize memcheck
bash_step torch_compile 90 torch_peer compile auto
bash_step racecheck 120 sanitize racecheck

python3 bench/gpu/table.py "$out" >>"$summary" 2>/dev/null || echo "(python3 makes the table of times from *.log)" >>"$summary"
echo "$summary"
exit "$failed"
