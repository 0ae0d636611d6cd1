#!/usr/bin/env bash
# Fetches the easy-VQA set (5,000 pictures, 48,248 questions), which the PyPI package easy-vqa 1.0 carries, into
# data/easy-vqa, and checks it. Does nothing where it already is whole.
#
#   examples/vqa/fetch_data.sh [FOLDER]
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-$root/data/easy-vqa}
wheel=easy_vqa-1.0-py3-none-any.whl
sha256=fcb51b309b78c7b00f97b64cdbcbcf5c105f94da1b39c0796cee5a787c4f650f

whole() {  # pictures and questions of both splits as published
  python3 - "$1" <<'PYTHON'
import json, pathlib, sys

folder = pathlib.Path(sys.argv[1])
for split, pictures, questions in (("train", 4000, 38575), ("test", 1000, 9673)):
    try:
        asked = len(json.loads((folder / split / "questions.json").read_text()))
        drawn = len(list((folder / split / "images").glob("*.png")))
    except (OSError, ValueError):
        sys.exit(1)
    if (drawn, asked) != (pictures, questions):
        sys.exit(f"easy-VQA {split}: expected {pictures} pictures and {questions} questions, got {drawn} and {asked}")
if not (folder / "answers.txt").is_file():
    sys.exit("easy-VQA: expected answers.txt, got nothing")
PYTHON
}

if [ -d "$folder" ] && whole "$folder" 2>/dev/null; then
  exit 0
fi

mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$(dirname "$folder")/.easy-vqa.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "Fetching easy-VQA from PyPI"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$work" easy-vqa==1.0
echo "$sha256  $work/$wheel" | sha256sum --check --quiet
python3 -m zipfile -e "$work/$wheel" "$work/unpacked"
rm -f "$work/unpacked/easy_vqa/data/.DS_Store"
whole "$work/unpacked/easy_vqa/data"
rm -rf "$folder"
mv "$work/unpacked/easy_vqa/data" "$folder"
