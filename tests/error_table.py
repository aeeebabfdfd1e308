#!/usr/bin/env python3
"""Prints the largest error of every op and case in each build, as a share of what tests/tolerance.h
allows, in Markdown.

  REPRISE_ERRORS=plain.tsv build/release/bin/test_kernels
  REPRISE_ERRORS=asan.tsv build/emulation-address/test_kernels
  tests/error_table.py [--short] plain.tsv asan.tsv

Each column is a file, named after the build whose tests wrote it. --short has a line for each op: how
many cases, and the largest share of what is allowed.
"""

import pathlib
import re
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


def op_of(test):
    """BigramKernels.ForwardEqualsTheDefinition of Cases/BigramKernels.ForwardEqualsTheDefinition/n16."""
    return re.sub(r"/\w+$", "", re.sub(r"^\w+/", "", test))


def print_short(paths, builds):
    print("| test | cases | " + " | ".join(path.stem for path in paths) + " |")
    print("| --- | ---: |" + " ---: |" * len(paths))
    keys = set().union(*builds)
    for op in sorted({op_of(test) for test, _ in keys}):
        of_op = [key for key in keys if op_of(key[0]) == op]
        shares = [max((build[key][0] for key in of_op if key in build), default=None)
                  for build in builds]
        print(f"| {op} | {len(of_op)} | " +
              " | ".join("" if share is None else f"{share:.2f}" for share in shares) + " |")


def main():
    short = "--short" in sys.argv[1:]
    paths = [pathlib.Path(name) for name in sys.argv[1:] if name != "--short"]
    if not paths:
        sys.exit(__doc__)
    builds = [worst(path) for path in paths]
    if short:
        return print_short(paths, builds)
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
