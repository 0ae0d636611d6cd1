#!/usr/bin/env python3
"""Checks who includes whom.

Includes run one way: examples -> training -> layers -> autograd -> core. Kernels see core and the attribute headers in
autograd/ops; these in turn lead to core alone, so that no kernel learns of the tape. Third-party headers stay where they belong,
and those that cost seconds stay out of headers.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

OPS = r"autograd/ops/\w+\.hpp"
LAYERS = [r"core/", r"autograd/", r"layers/", r"training/"]

# The first row whose pattern fits a file says what below <weft/...> it may include.
MAY_INCLUDE = [
    (r"core/", [r"core/"]),
    (r"autograd/", LAYERS[:2]),
    (r"layers/", LAYERS[:3]),
    (r"training/", LAYERS),
    (r"backends/register\.cpp", [r"core/", r"backends/\w+/table\.hpp"]),
    (r"backends/cpu/", [r"core/", OPS, r"backends/cpu/"]),
    (r"backends/reference/", [r"core/", OPS, r"backends/reference/"]),
    (r"backends/cuda/", [r"core/", OPS, r"backends/cuda/"]),
    (r"weft\.hpp", LAYERS),
    (r"xtensor\.hpp", [r"core/"]),
    (r"examples/inference/", LAYERS + [r"examples/common/", r"examples/(vqa|inference)/"]),
    (r"examples/(\w+)/", LAYERS + [r"weft\.hpp", r"xtensor\.hpp", r"examples/common/", r"examples/\1/"]),
    (r"bench/", [r""]),
    (r"tests/", [r""]),
]

# A third-party header, the files that may include it, and why the others may not.
THIRD_PARTY = [
    (r"xsimd/|immintrin\.h|arm_neon\.h", r"backends/cpu/|tests/backends/", "xsimd and intrinsics stay below backends/cpu"),
    (r"(cuda|cublas|cudnn|nvrtc)", r"backends/cuda/", "CUDA stays below backends/cuda"),
    (r"(xtensor|xtl)/", r"backends/reference/|xtensor\.hpp|tests/|examples/|bench/",
     "xtensor stays in backends/reference and xtensor.hpp"),
    (r"(fmt|nlohmann|CLI)/", r".*\.cpp|tests/|examples/|bench/", "costly headers stay in .cpp files"),
    (r"catch2/", r"tests/", "Catch2 stays in tests"),
    (r"benchmark/", r"bench/", "Google Benchmark stays in bench"),
    (r"png\.h", r"examples/|tests/examples/", "libpng stays in the examples"),
]


def room_of(path):
    for pattern, allowed in MAY_INCLUDE:
        match = re.match(pattern, path)
        if match:
            return [match.expand(a) if r"\1" in a else a for a in allowed]
    return None


def reached(path, seen):
    """The headers below <weft/...> that `path` includes, directly or not."""
    if (ROOT / path).is_file():
        for _, header in INCLUDE.findall((ROOT / path).read_text()):
            header = header.removeprefix("weft/")
            if (ROOT / header).is_file() and header not in seen:
                seen.add(header)
                reached(header, seen)
    return seen


def complaints(path, text):
    allowed = room_of(path)
    if allowed is None:
        yield "stands in no known room"
        return
    for bracket, header in INCLUDE.findall(text):
        if header.startswith("weft/"):
            header = header[len("weft/"):]
            if not any(re.match(a, header) for a in allowed):
                yield f"may not include <weft/{header}>"
            elif path.startswith("backends/") and re.match(OPS, header):
                for tape in sorted(h for h in reached(header, set()) if not re.match(rf"core/|{OPS}", h)):
                    yield f"may not include <weft/{header}>, which leads to <weft/{tape}>"
        elif bracket == '"':
            if path.startswith("tests/") and (ROOT / path).parent.joinpath(header).is_file():
                continue  # helpers beside a test, or in tests/support
            yield f'includes "{header}": write <weft/...>'
        else:
            for third_party, places, why in THIRD_PARTY:
                if re.match(third_party, header) and not re.match(places, path):
                    yield f"may not include <{header}>: {why}"


def main():
    listing = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.hpp", "*.cpp", "*.cu", "*.cuh"],
                             cwd=ROOT, check=True, capture_output=True, text=True)
    files = [f for f in listing.stdout.split() if (ROOT / f).exists()]
    wrong = 0
    for path in files:
        for complaint in complaints(path, (ROOT / path).read_text()):
            print(f"{path}: {complaint}")
            wrong += 1
    print(f"{len(files)} files, {wrong} includes in the wrong direction")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
