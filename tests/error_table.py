#!/usr/bin/env python3
"""Prints the largest error of every op and case in each build, as a share of what tests/tolerance.h
allows, in Markdown.

  REPRISE_ERRORS=plain.tsv build/release/bin/test_kernels
  REPRISE_ERRORS=asan.tsv build/emulation-address/test_kernels
  tests/error_table.py plain.tsv asan.tsv

Each column is a file, named after the build whose tests wrote it.
"""

import pathlib
import sys


def worst(path):
    """Of each (test, case): the error, what was allowed, and how often it was compared."""
    table = {}
    for line in path.read_text().splitlines():
        test, case, error, allowed = line.split("\t")
        error, allowed = float(error), float(allowed)
        share = error / allowed if allowed else float(error > 0)
        before = table.get((test, case), (-1.0, 0, 0, 0))
        largest = max(before[:3], (share, error, allowed))
        table[test, case] = (*largest, before[3] + 1)
    return table


def main():
    paths = [pathlib.Path(name) for name in sys.argv[1:]]
    if not paths:
        sys.exit(__doc__)
    builds = [worst(path) for path in paths]
    print("| test | case | " + " | ".join(path.stem for path in paths) + " |")
    print("| --- | --- |" + " ---: |" * len(paths))
    for key in sorted(set().union(*builds)):
        cells = []
        for build in builds:
            if key not in build:
                cells.append("")
                continue
            share, error, allowed, times = build[key]
            cells.append(f"{error:.1e} of {allowed:.1e} ({share:.2f}), {times}x")
        print(f"| {key[0]} | {key[1]} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
