#!/usr/bin/env bash
# Checks and times the CUDA backend on this machine's GPU, within ten minutes, and leaves two files: summary.md and logs.txt.
#
#   bench/gpu_check.sh pack              fills .gpu_check/ with what a machine may lack: headers and libraries, golden cases,
#                                        easy-VQA. Where the packages of cmake/install_dependencies.sh are installed
#   bench/gpu_check.sh [--out FOLDER] [--seconds N] [--device D] [--architecture A] [--only STEP]...
#                                        on the GPU machine: needs the CUDA toolkit, CMake, a C++ compiler, and .gpu_check/
#                                        beside the sources; PyTorch is compared with where python3 has it. A second call
#                                        with --only goes on with what the first has built
#
# cuDNN and cuBLASLt are opened when programs run: in the folders that WEFT_CUDA_LIBRARY_PATH names; if it does not, in those
# of python3's packages and the toolkit. Steps go on after failures, each within its own time; those for which no time is left
# say so.
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
files=$root/.gpu_check

if [ "${1:-}" = pack ]; then
  exec bench/gpu/pack.sh "$files"
fi

work=$root/build/gpu_check
out=$work/results
total=570
device=cuda
architecture=
only=()
while [ $# -gt 0 ]; do
  case "$1" in
    --out | --seconds | --device | --architecture | --only)
      [ $# -ge 2 ] || { echo "gpu_check.sh: expected a value after $1" >&2; exit 2; } ;;
  esac
  case "$1" in
    --out) out=$2; shift 2 ;;
    --seconds) total=$2; shift 2 ;;
    --device) device=$2; shift 2 ;;
    --architecture) architecture=$2; shift 2 ;;
    --only) only+=("$2"); shift 2 ;;
    *)
      echo "gpu_check.sh: unknown option $1 (known: pack, --out, --seconds, --device, --architecture, --only)" >&2
      exit 2 ;;
  esac
done
build=$work/build
logs=$work/logs
rm -rf "$logs"
mkdir -p "$out" "$logs" || exit 1
out=$(cd "$out" && pwd)
jobs=$(nproc)
summary=$out/summary.md
failed=0
nvcc=$(command -v nvcc || ls /usr/local/cuda*/bin/nvcc 2>/dev/null | head -n 1)

# Folders with CUDA's libraries: of python3's packages, then the toolkit's.
library_folders() {
  python3 - 2>/dev/null <<'PYTHON'
import glob, os, nvidia
for root in nvidia.__path__:
    for name in ("cudnn", "cu13", "cublas", "cuda_nvrtc", "cuda_runtime"):
        print(*glob.glob(os.path.join(root, name, "lib")), sep="\n")
PYTHON
  [ -n "$nvcc" ] && echo "$(dirname "$(dirname "$nvcc")")/lib64"
}
folders=$(library_folders | grep . | paste -sd:)
export WEFT_CUDA_LIBRARY_PATH=${WEFT_CUDA_LIBRARY_PATH:-$folders}
# What these libraries look for themselves.
export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$WEFT_CUDA_LIBRARY_PATH

{
  echo "# CUDA check, $(date -u +%Y-%m-%d)"
  echo
  nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap --format=csv,noheader 2>/dev/null | sed 's/^/GPU: /' ||
    echo "GPU: none was found"
  echo
  echo "| step | result | seconds | |"
  echo "|---|---|---:|---|"
} >"$summary"
: >"$out/logs.txt"

# What a log says in a line: the first error of a build, else its last words.
note_of() {
  local note
  note=$(grep -m 1 -A 1 -E '^CMake Error|: (fatal )?error:|^error:' "$1" | tr '\n' ' ')
  [ -n "$note" ] || note=$(grep -vE '^[[:space:]]*$|^Run with --help' "$1" | tail -n 1)
  tr '|' '/' <<<"$note" | cut -c1-200
}

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
  timeout -k 5 "$limit" "$@" >"$logs/$name.log" 2>&1 </dev/null || status=$?
  note=$(note_of "$logs/$name.log")
  case $status in
    0) result=passed; note=$(grep -v '^[[:space:]]*$' "$logs/$name.log" | tail -n 1 | tr '|' '/' | cut -c1-200) ;;
    77) result="not run" ;;
    124 | 137) result="cut off at $limit s"; failed=1 ;;
    *) result=FAILED; failed=1 ;;
  esac
  case $note in "{"*) note= ;; esac  # times have a table of their own
  echo "| $name | $result | $((SECONDS - begin)) | $note |" >>"$summary"
  echo "$name: $result ($((SECONDS - begin)) s) $note"
  { echo; echo "===== $name: $result ($((SECONDS - begin)) s)"; tail -c 1000000 "$logs/$name.log"; } >>"$out/logs.txt"
}

missing() { echo "$*"; exit 77; }

# What there is, for the record.
machine() {
  uname -srm
  nvidia-smi 2>&1 | head -n 15
  ${nvcc:-nvcc} --version 2>&1 | tail -n 2
  c++ --version 2>&1 | head -n 1
  python3 -c 'import torch; print("torch", torch.__version__, "cuDNN", torch.backends.cudnn.version())' 2>&1 | tail -n 1
  echo "libraries in $WEFT_CUDA_LIBRARY_PATH"
  cmake --version | head -n 1
}

configure() {
  local prefix=$files/usr generator=() cudnn=()
  command -v ninja >/dev/null && generator=(-G Ninja)
  [ -f "$files/cudnn/include/cudnn_frontend.h" ] &&
    cudnn=(-DWEFT_CUDNN_INCLUDE_DIR="$files/cudnn/include" -DWEFT_CUDNN_FRONTEND_INCLUDE_DIR="$files/cudnn/include")
  local library=$prefix/lib/x86_64-linux-gnu
  cmake -S . -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DWEFT_CUDA=ON -DCMAKE_CUDA_COMPILER="$nvcc" \
    -DWEFT_CUDA_ARCHITECTURES="$architecture-real" -DWEFT_INSTALL=OFF -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_LIBRARY_ARCHITECTURE=x86_64-linux-gnu -DCMAKE_POLICY_VERSION_MINIMUM=3.5 \
    -DWEFT_PROTOZERO_INCLUDE_DIR="$prefix/include" \
    -DPNG_LIBRARY="$library/libpng16.so.16" -DPNG_PNG_INCLUDE_DIR="$prefix/include" \
    -DJPEG_LIBRARY="$library/libjpeg.so.62" -DJPEG_INCLUDE_DIR="$prefix/include;$prefix/include/x86_64-linux-gnu" \
    -DZLIB_LIBRARY="$library/libz.so.1" -DZLIB_INCLUDE_DIR="$prefix/include" \
    "${cudnn[@]}" \
    -DCMAKE_CXX_FLAGS="-isystem $prefix/include -isystem $prefix/include/x86_64-linux-gnu" "$@"
}

# One architecture. What does not build leaves the other programs.
build_all() {
  [ -d "$files/usr" ] || { echo "expected $files, which 'bench/gpu_check.sh pack' fills"; return 1; }
  [ -n "$nvcc" ] || { echo "expected nvcc on the path or in /usr/local/cuda"; return 1; }
  if [ -z "$architecture" ]; then
    architecture=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d '. ')
    [[ $architecture =~ ^[0-9]{2,3}$ ]] || architecture=90
    [ "$architecture" = 90 ] && architecture=90a
  fi
  local targets=(test_cuda test_grid conformance vqa hierarchy fusion bench_gpu ask_for_device) keep_going=-k
  if ! configure; then
    echo "once more, without the examples"
    targets=(test_cuda test_grid conformance bench_gpu ask_for_device)
    configure -DWEFT_BUILD_EXAMPLES=OFF || return 1
  fi
  [ -f "$build/build.ninja" ] && keep_going=-k0
  cmake --build "$build" --parallel "$jobs" --target "${targets[@]}" -- $keep_going
}

# One sum on the device, and which libraries are found.
start() {
  "$build/bin/ask_for_device" "$device" && "$build/bin/ask_for_device" --libraries
}

# Tests in many processes, so that a kernel that breaks the GPU's context takes few others along, and so that waiting for one
# is the others' time.
in_parts() {  # PARTS JOBS NAME PROGRAM SPEC: `every cuda kernel` walks over all primitives, of which each part takes its share
  local at_once=$2 program=$4 spec=$5 name part number=0
  export parts=$1
  folder=$work/parts/$3
  [ -x "$program" ] || { echo "$program was not built"; return 1; }
  rm -rf "$folder"
  mkdir -p "$folder"
  env -u WEFT_TEST_DEVICE "$program" --list-test-names-only "$spec" >"$folder/names"  # its exit status is their number
  [ -s "$folder/names" ] || { echo "no tests"; return 1; }
  while IFS= read -r name; do
    case $name in
      "every cuda kernel "*) for ((part = 0; part < parts; ++part)); do echo "$name" >>"$folder/shared.$part"; done ;;
      *) echo "$name" >>"$folder/own.$((number++ % parts))" ;;
    esac
  done <"$folder/names"
  trap 'parts_report "$folder"; exit 1' TERM
  (cd "$folder" && printf '%s\n' shared.* own.* | grep -v '\*') >"$folder/lists"
  xargs -P "$at_once" -I{} bash -c 'one_part "$@"' one_part "$folder/{}" "$program" <"$folder/lists"
  parts_report "$folder"
}

# What failed, then how many tests there were, and in one line how it went.
parts_report() {  # FOLDER
  local list status passed=0 failures=() unfinished=0
  while read -r list; do
    status=$(cat "$1/$list.status" 2>/dev/null)
    case $status in
      0) passed=$((passed + 1)) ;;
      "") unfinished=$((unfinished + 1)) ;;
      *) failures+=("$list") ;;
    esac
  done <"$1/lists"
  for list in "${failures[@]}"; do
    echo "--- part $list"
    tail -c 30000 "$1/$list.log"
  done
  cat "$1"/*.log | grep -E '^(All tests passed|test cases:)' | sort | uniq -c
  echo "slowest:"
  cat "$1"/*.log | grep -E '^[0-9.]+ s: ' | sort -rn | head -n 8
  if [ "$passed" != "$(wc -l <"$1/lists")" ]; then
    echo "$passed parts passed, ${#failures[@]} failed, $unfinished did not end: $([ ${#failures[@]} -eq 0 ] || problem_of "$1/${failures[0]}.log")"
    return 1
  fi
  echo "all of $(wc -l <"$1/names") tests passed, in $passed processes"
}

# The first that a test's log complains of.
problem_of() {
  grep -m 1 -A 7 -E 'FAILED:|terminate called|^cuda: |========= (Invalid|Error|Race|Program)' "$1" | tr -s ' \n' ' ' | cut -c1-300
}

one_part() {  # LIST PROGRAM
  local list=$1 status=0 number=${1##*.}
  case $(basename "$list") in shared.*) export WEFT_TEST_SHARE=$number/$parts ;; esac
  # shellcheck disable=SC2086
  ${tool:-} "$2" -f "$list" --durations yes >"$list.log" 2>&1 || status=$?
  echo "$status" >"$list.status"
}

op_tests() { in_parts 16 6 op_tests "$build/bin/test_cuda" "*"; }

suite() {
  export WEFT_TEST_DEVICE=$device
  in_parts 12 6 suite "$build/bin/test_grid" "~[host]"
}

sanitize() {  # TOOL
  local sanitizer
  sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -n 1)
  [ -n "$sanitizer" ] || missing "no compute-sanitizer"
  export tool="$sanitizer --tool $1 --error-exitcode 9 --print-limit 20"
  in_parts 24 8 "$1" "$build/bin/test_cuda" "every cuda kernel gives what the reference gives"
}

train() {
  local data=$files/easy-vqa
  [ -d "$data" ] || missing "no $data"
  "$build/bin/vqa" train --preset quick --seed 0 --device "$device" --data-dir "$data" --quiet --out "$work/vqa" --expect 0.85
}

example() {  # NAME
  "$build/bin/$1" train --preset quick --seed 0 --device "$device" --quiet --out "$work/$1"
}

torch_peer() {  # MODE SDPA PART...
  python3 -c 'import torch, sys; sys.exit(0 if torch.cuda.is_available() else 77)' 2>/dev/null || missing "python3 has no torch for this GPU"
  local mode=$1 sdpa=$2
  shift 2
  python3 bench/gpu/peer_torch_gpu.py --device "$device" --mode "$mode" --sdpa "$sdpa" --seconds 0.2 \
    --arrays "$build/arrays" bench/gpu/workloads.json "$@"
}

export -f machine configure build_all start in_parts parts_report problem_of one_part op_tests suite sanitize train example torch_peer missing
export root files work build jobs device nvcc architecture

bash_step() {  # NAME SECONDS FUNCTION ARGUMENTS...
  local name=$1 limit=$2
  shift 2
  step "$name" "$limit" bash -c 'set -uo pipefail; "$@"' gpu_check "$@"
}

# What matters most comes first: the limits up to `weft` together fit into the time.
workloads=bench/gpu/workloads.json
bash_step machine 20 machine
bash_step build 270 build_all
bash_step start 20 start
bash_step op_tests 90 op_tests
bash_step suite 60 suite
step conformance 40 "$build/bin/conformance" "$files/golden" --device "$device" --skips tests/conformance/expected_skips.txt
step weft 60 "$build/bin/bench_gpu" --device "$device" --seconds 0.2 "$workloads"
bash_step vqa 75 train
step arrays 20 "$build/bin/bench_gpu" --device cpu --save "$build/arrays" "$workloads" mha step
bash_step torch_eager 40 torch_peer eager auto
step memory 60 "$build/bin/bench_gpu" --device "$device" --steps 10000 "$workloads" "vqa step"
bash_step torch_graph 40 torch_peer graph auto
bash_step memcheck 60 sanitize memcheck
for sdpa in flash cudnn efficient; do
  bash_step "torch_$sdpa" 20 torch_peer eager "$sdpa" sdpa
done
bash_step hierarchy 40 example hierarchy
bash_step fusion 40 example fusion
bash_step torch_compile 90 torch_peer compile auto
bash_step racecheck 120 sanitize racecheck

python3 bench/gpu/table.py "$logs" >>"$summary" 2>/dev/null || echo "(python3 makes the table of times from the logs)" >>"$summary"
echo "$summary"
exit "$failed"
