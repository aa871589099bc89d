#!/usr/bin/env python3
"""The layout of DESIGN section 3 and the house style that a machine can see."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOP = {"CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "core", "plugins", "sdk", "etc",
       "tests", "docs"}
BANNED = re.compile(r"(^|_)(utils?|managers?|helpers?|common|misc)(_|\.|$)")
STUBS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|GTEST_SKIP|\bDISABLED_")
MAX_SOURCE, MAX_README = 400, 40


def tracked():
    out = subprocess.run(["git", "-C", ROOT, "ls-files"], capture_output=True, text=True, check=True)
    return [pathlib.Path(line) for line in out.stdout.splitlines() if (ROOT / line).exists()]


def faults(files):
    for path in files:
        if path.parts[0] not in TOP and not path.parts[0].startswith("."):
            yield f"{path}: nothing else stands at the top level"
        if BANNED.search(path.name):
            yield f"{path}: name the noun, not 'utils', 'manager', 'helper', 'common' or 'misc'"
        if path.suffix in (".hpp", ".cpp"):
            text = (ROOT / path).read_text()
            if not text.startswith("// SPDX-License-Identifier: MIT\n"):
                yield f"{path}: the first line is the SPDX line"
            lines = text.count("\n")
            if lines > MAX_SOURCE and path.parts[0] != "tests":
                yield f"{path}: {lines} lines; at most {MAX_SOURCE}"
            if found := STUBS.search(text):
                yield f"{path}: {found.group()} is not how work is done here"
            if path.suffix == ".hpp" and "#pragma once" not in text:
                yield f"{path}: no #pragma once"
        if path.name == "README.md" and len(path.parts) > 1:
            lines = (ROOT / path).read_text().count("\n")
            if lines > MAX_README:
                yield f"{path}: {lines} lines; a folder's README has at most {MAX_README}"
    folders = {p.parent for p in files if p.suffix in (".hpp", ".cpp") and len(p.parts) > 2}
    for folder in sorted(f for f in folders if f.parts[0] in ("core", "plugins") and len(f.parts) == 2):
        if not (ROOT / folder / "README.md").exists():
            yield f"{folder}: no README.md"


def main():
    files = tracked()
    if not files:
        sys.exit("no tracked files: this check looks in the wrong place")
    found = list(faults(files))
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
