#!/usr/bin/env python3
"""Checks README.md, docs/ and the examples' READMEs.

    check_docs.py BUILD_FOLDER

A ```cpp block after a line `<!-- from PATH -->` has to stand in that file, line by line (indentation aside). A ```cpp block
without one has to compile: as it stands where it has a main, else as the body of a function after <weft/weft.hpp>. What is an
outline and not code is marked ```text. Links to files have to lead somewhere. What stands between `<!-- table PROGRAM FILES -->` and
`<!-- end -->` is what the built program's `table` says of those files.
"""
import pathlib
import re
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(?:<!-- from (?P<source>\S+) -->\s*\n)?^```cpp\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"^<!-- table (?P<program>\S+) (?P<files>\S+) -->\n(?P<text>.*?)^<!-- end -->", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
PREAMBLE = "#include <iostream>\n#include <weft/weft.hpp>\n#include <weft/xtensor.hpp>\n"


def lines_of(code):
    return [line.strip() for line in code.splitlines() if line.strip()]


def quoted(code, source):
    path = ROOT / source
    if not path.is_file():
        return f"{source} does not exist"
    part, whole = lines_of(code), lines_of(path.read_text())
    if any(whole[i:i + len(part)] == part for i in range(len(whole) - len(part) + 1)):
        return None
    return f"is not what {source} says"


def program(code):
    if "int main" in code:
        return code
    head = [line for line in code.splitlines() if line.startswith("#include")]
    body = [line for line in code.splitlines() if not line.startswith("#include")]
    defines = re.search(r"^(struct|class|template|namespace)\b", "\n".join(body), re.MULTILINE)
    text = "\n".join(body)
    if not defines:
        text = "void snippet() {\n" + text + "\n}"
    return PREAMBLE + "\n".join(head) + "\nusing namespace weft;\n" + text + "\n"


def compiled(code, include):
    command = ["g++", "-std=c++20", "-fsyntax-only", f"-I{include}", "-x", "c++", "-"]
    done = subprocess.run(command, input=program(code), capture_output=True, text=True)
    return None if done.returncode == 0 else "does not compile:\n" + textwrap.indent(done.stderr[:2000], "    ")


def tabulated(text, program, files):
    if not files:
        return "is of no files"
    done = subprocess.run([program, "table", *files], capture_output=True, text=True)
    return None if done.returncode == 0 and done.stdout == text else f"should be:\n{done.stdout}{done.stderr}"


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]
    jobs, wrong = [], []
    with ThreadPoolExecutor() as pool:
        for page in pages:
            text = page.read_text()
            for link in LINK.findall(BLOCK.sub("", text)):  # a lambda looks like one
                if not (page.parent / link).exists():
                    wrong.append(f"{page.relative_to(ROOT)}: link to {link}, which does not exist")
            for block in BLOCK.finditer(text):
                place = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, block.start('code'))}: the code"
                source = block["source"]
                check = (quoted, block["code"], source) if source else (compiled, block["code"], build / "include")
                jobs.append((place, pool.submit(*check)))
            for table in TABLE.finditer(text):
                place = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, table.start()) + 1}: the table"
                files = sorted(page.parent.glob(table["files"]))
                jobs.append((place, pool.submit(tabulated, table["text"], build / "bin" / table["program"], files)))
        for place, job in jobs:
            if job.result():
                wrong.append(f"{place} {job.result()}")
    print("\n".join(wrong + [f"{len(pages)} pages, {len(jobs)} blocks of code and tables, {len(wrong)} wrong"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
