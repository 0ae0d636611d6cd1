#!/usr/bin/env bash
# <weft/weft.hpp> stays light: the best of five compilations of a file that only includes it takes at most 1.5 s.
set -euo pipefail
cd "$(dirname "$0")/../.."
python3 - <<'PYTHON'
import subprocess, sys, time

command = ["g++", "-std=c++20", "-Ibuild/release/include", "-x", "c++", "-c", "-", "-o", "/dev/null"]
seconds = []
for _ in range(5):
    begin = time.perf_counter()
    subprocess.run(command, input=b"#include <weft/weft.hpp>\n", check=True)
    seconds.append(time.perf_counter() - begin)
print(f"<weft/weft.hpp>: {min(seconds):.2f} s")
sys.exit(min(seconds) > 1.5)
PYTHON
