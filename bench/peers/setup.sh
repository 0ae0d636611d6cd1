#!/usr/bin/env bash
# Installs the frameworks that bench/compare runs Weft against, each in a virtual environment of its own:
#
#   bench/peers/setup.sh [DIR] [torch|jax...]     DIR: default ${XDG_CACHE_HOME:-~/.cache}/weft-peers; both when none is named
#
# Versions are whatever is newest; what was installed stands in DIR/<name>/versions.txt. Some 3 GB, a minute or two. Does
# nothing where it has been before.
set -euo pipefail

dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/weft-peers}
shift || true
[ $# -gt 0 ] || set -- torch jax
mkdir -p "$dir"

# works NAME IMPORTS: whether that environment can import these.
works() { [ -x "$dir/$1/bin/python" ] && "$dir/$1/bin/python" -c "import $2" 2>/dev/null; }

install_jax() {
  works jax "jax, flax, optax, numpy" && return
  python3 -m venv "$dir/jax"
  "$dir/jax/bin/python" -m pip install --quiet numpy jax flax optax
}

# The usual wheel brings CUDA along, which a CPU comparison never calls but the loader wants to find. Where this machine has a
# toolkit of that version, its libraries serve, and only the ones it lacks are installed.
install_torch() {
  works torch "torch, numpy" && return
  python3 -m venv "$dir/torch"
  local pip=("$dir/torch/bin/python" -m pip install --quiet)
  if [ -e /usr/local/cuda/lib64/libcublasLt.so.13 ]; then
    "${pip[@]}" --no-deps torch nvidia-nccl-cu13 nvidia-cusparselt-cu13 nvidia-nvshmem-cu13 nvidia-cufile
    "${pip[@]}" numpy typing_extensions sympy networkx jinja2 fsspec filelock 'setuptools>=77.0.3'
    local folders
    folders=$(find "$dir"/torch/lib/python3*/site-packages/nvidia -type d -name lib -printf '%p:')
    local python="$dir/torch/bin/python"
    mv "$python" "$python.real"
    printf '#!/bin/sh\nLD_LIBRARY_PATH="%s$LD_LIBRARY_PATH" exec "%s" "$@"\n' "$folders" "$python.real" >"$python"
    chmod +x "$python"
  else
    "${pip[@]}" numpy torch
  fi
}

for name in "$@"; do
  case "$name" in
    torch) install_torch && imports="torch, numpy" ;;
    jax) install_jax && imports="jax, flax, optax, numpy" ;;
    *) echo "setup.sh: unknown peer $name (known: torch, jax)" >&2; exit 2 ;;
  esac
  if ! "$dir/$name/bin/python" -c "import $imports"; then
    echo "setup.sh: $name was installed but does not import" >&2
    exit 1
  fi
  "$dir/$name/bin/python" -m pip freeze 2>/dev/null >"$dir/$name/versions.txt"
  { grep -iE '^(torch|jax|jaxlib|flax|optax|numpy)==' "$dir/$name/versions.txt" || true; } | tr '\n' ' '
  echo "in $dir/$name"
done
