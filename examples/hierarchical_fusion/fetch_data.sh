#!/usr/bin/env bash
# Fetches the optical digits (1,797 pictures of 8 x 8) that scikit-learn carries, into data/digits/digits.csv, and checks
# them. The file is taken out of the wheel: nothing is installed or imported. Does nothing where it already is whole.
#
#   examples/hierarchical_fusion/fetch_data.sh [FOLDER]
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-$root/data/digits}
wheel=scikit_learn-1.5.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl
sha256=f8b0ccd4a902836493e026c03256e8b206656f91fbcc4fde28c57a5b752561f1
table_sha256=6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8

if [ -f "$folder/digits.csv" ] && echo "$table_sha256  $folder/digits.csv" | sha256sum --check --status; then
  exit 0
fi

mkdir -p "$folder"
work=$(mktemp -d "$folder/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "Fetching scikit-learn's digits from PyPI"
# One wheel for every machine: only its data file is read.
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --platform manylinux2014_x86_64 \
  --implementation cp --python-version 311 --abi cp311 --dest "$work" scikit-learn==1.5.2
echo "$sha256  $work/$wheel" | sha256sum --check --quiet
python3 - "$work/$wheel" "$work/digits.csv" <<'PYTHON'
import gzip, pathlib, sys, zipfile

packed = zipfile.ZipFile(sys.argv[1]).read("sklearn/datasets/data/digits.csv.gz")
pathlib.Path(sys.argv[2]).write_bytes(gzip.decompress(packed))
PYTHON
echo "$table_sha256  $work/digits.csv" | sha256sum --check --quiet
mv "$work/digits.csv" "$folder/digits.csv"
