#!/usr/bin/env bash
# Fills the folder that travels to a GPU machine: see gpu_check.sh.
#
#   bench/gpu/pack.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$1
rm -rf "$folder"
mkdir -p "$folder/usr"

packages=(libxtensor-dev xtl-dev libxsimd-dev libfmt-dev libfmt9 nlohmann-json3-dev libcli11-dev libprotozero-dev catch2
          libbenchmark-dev libbenchmark1debian libpng-dev libpng16-16 libjpeg62-turbo-dev libjpeg62-turbo zlib1g-dev zlib1g)
for package in "${packages[@]}"; do
  dpkg-query -L "$package" 2>/dev/null || echo "no package $package" >&2
done | sort -u | while read -r file; do
  case "$file" in
    /usr/share/doc/* | /usr/share/man/* | /usr/share/lintian/* | /usr/lib/debug/* | *.la) continue ;;
    /lib/*) target=$folder/usr$file ;;
    /usr/*) target=$folder$file ;;
    *) continue ;;
  esac
  if [ -f "$file" ]; then  # links become files
    mkdir -p "$(dirname "$target")"
    cp -L "$file" "$target"
  fi
done

# cuDNN's headers, from the usual places or those that these variables name.
headers() {  # NAME FOLDER...
  local name=$1 from
  shift
  for from in "$@"; do
    if [ -n "$from" ] && [ -f "$from/$name.h" ]; then
      mkdir -p "$folder/cudnn/include"  # some name each other as ../include/...
      cp -rL "$from"/cudnn* "$folder/cudnn/include/"  # the frontend's include some that do not bear its name
      return
    fi
  done
  echo "no $name.h: built without cuDNN" >&2
}
headers cudnn "${WEFT_CUDNN_INCLUDE_DIR:-}" /usr/local/cuda/include /usr/include
headers cudnn_frontend "${WEFT_CUDNN_FRONTEND_INCLUDE_DIR:-}" "${XDG_CACHE_HOME:-$HOME/.cache}/weft-cuda/include" /usr/include

golden=../shared/golden
[ -d "$golden" ] || golden=tests/conformance/golden
cp -rL "$golden" "$folder/golden"
if [ -d data/easy-vqa ]; then cp -rL data/easy-vqa "$folder/easy-vqa"; else echo "no data/easy-vqa (examples/vqa/fetch_data.sh)" >&2; fi

size=$(du -sm --apparent-size "$folder" | cut -f1)
echo "$folder: $size MB"
[ "$size" -lt 60 ] || { echo "expected less than 60 MB" >&2; exit 1; }
