#!/usr/bin/env python3
"""Every public header of the SDK compiles alone."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "sdk" / "include"


def check(header):
    run = subprocess.run(
        ["clang++-19", "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
         "-Wno-pragma-once-outside-header", "-I", INCLUDE, header],
        capture_output=True, text=True)
    return run.returncode, f"{header.relative_to(ROOT)}\n{run.stderr}"


def main():
    headers = sorted(INCLUDE.rglob("*.hpp"))
    if not headers:
        sys.exit("no headers: this check looks in the wrong place")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(check, headers))
    bad = [text for code, text in results if code]
    print("\n".join(bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
