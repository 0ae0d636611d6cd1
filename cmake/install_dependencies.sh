#!/usr/bin/env bash
# Installs through apt what building, testing and training need and this Debian lacks; does nothing, and needs no root, when
# nothing is missing.
#
#   cmake/install_dependencies.sh [--ci] [--arm]
#
#   --ci    also Clang 14, its sanitizer runtimes and clang-format
#   --arm   also the arm64 cross compiler and the user-mode emulator
set -euo pipefail

packages=(cmake ninja-build g++ ccache git ca-certificates python3 python3-pip
          libxtensor-dev libxsimd-dev libfmt-dev nlohmann-json3-dev libcli11-dev libprotozero-dev libpng-dev libjpeg-dev catch2 libbenchmark-dev)
for option in "$@"; do
  case "$option" in
    --ci) packages+=(clang-14 libclang-rt-14-dev clang-format-14 binutils) ;;
    --arm) packages+=(g++-aarch64-linux-gnu qemu-user) ;;
    *) echo "install_dependencies.sh: unknown option $option (known: --ci, --arm)" >&2; exit 2 ;;
  esac
done

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

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
