#!/usr/bin/env python3
"""Instruction-set units must not offer code that the linker could pick for a lesser machine.

    check_isa_symbols.py BUILD_FOLDER

An inline function that a unit emits out of line is a weak symbol, and of several copies the linker keeps any one: a copy from
the AVX-512 unit would crash an AVX2 machine. So every weak or global symbol that the units above the baseline define must
carry the unit's tag (`avx512`, `avx2`) in its demangled name, as code templated on the architecture does; all else belongs
into an anonymous namespace.
"""
import pathlib
import subprocess
import sys

TAGS = {"kernels_avx2": "avx2", "kernels_avx512": "avx512"}
SHARED = set("WVTDBRGSu")  # nm's letters of defined symbols that other units see


def offending(unit, tag):
    listing = subprocess.run(["nm", "--demangle", "--defined-only", str(unit)], check=True, capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        kind, _, name = line[17:].partition(" ")
        if kind in SHARED and tag not in name:
            yield f"{kind} {name}"


def main():
    units = sorted(pathlib.Path(sys.argv[1]).glob("backends/cpu/CMakeFiles/weft_isa_*.dir/isa/*.o"))
    checked = wrong = 0
    for unit in units:
        tag = TAGS.get(unit.name.split(".")[0])
        if tag is None:
            continue
        checked += 1
        for symbol in offending(unit, tag):
            print(f"{unit.name}: symbol without '{tag}' in its name: {symbol}")
            wrong += 1
    print(f"{checked} units, {wrong} symbols that the linker could share with lesser machines")
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
