#!/usr/bin/env bash
# Installs through apt what building, testing and training need and this Debian lacks; does nothing, and needs no root, when
# nothing is missing.
#
#   cmake/install_dependencies.sh [--ci] [--arm] [--cuda]
#
#   --ci    also Clang 14, its sanitizer runtimes and clang-format
#   --arm   also the arm64 cross compiler and the user-mode emulator
#   --cuda  also cuDNN's C++ headers (cudnn-frontend), through pip into ${XDG_CACHE_HOME:-~/.cache}/weft-cuda, where CMake
#           finds them; CUDA and cuDNN themselves are not installed
set -euo pipefail

packages=(cmake ninja-build g++ ccache git ca-certificates python3 python3-pip
          libxtensor-dev libxsimd-dev libfmt-dev nlohmann-json3-dev libcli11-dev libprotozero-dev libpng-dev libjpeg-dev catch2 libbenchmark-dev)
cuda=no
for option in "$@"; do
  case "$option" in
    --ci) packages+=(clang-14 libclang-rt-14-dev clang-format-14 binutils) ;;
    --arm) packages+=(g++-aarch64-linux-gnu qemu-user) ;;
    --cuda) cuda=yes ;;
    *) echo "install_dependencies.sh: unknown option $option (known: --ci, --arm, --cuda)" >&2; exit 2 ;;
  esac
done

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -ne 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "install_dependencies.sh: missing packages: ${missing[*]}; run as root, or install sudo" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  echo "Installing: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# The headers come in a Python wheel, of which nothing else is used.
headers="${XDG_CACHE_HOME:-$HOME/.cache}/weft-cuda/include"
if [ "$cuda" = yes ] && [ ! -e "$headers/cudnn_frontend.h" ]; then
  echo "Installing: cudnn-frontend's headers in $headers"
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  python3 -m pip install -q --no-deps --target "$folder" nvidia-cudnn-frontend==1.32.0
  mkdir -p "$headers"
  cp -r "$folder/include/." "$headers"
fi
