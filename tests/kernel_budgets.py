#!/usr/bin/env python3
"""Compares what each kernel takes on each architecture with the recorded budget.

  tests/kernel_budgets.py BUDGETS FOLDER [--write]
  tests/kernel_budgets.py BUDGETS --table ARCHITECTURE...

FOLDER is the build's: for each kernel file, what ptxas said of it. Every kernel may take at most the
registers, static shared memory and stack of its line in BUDGETS, spills nothing, and has tensor-core
instructions exactly where its line says so. --write records what is there instead; --table prints
what is recorded, in Markdown. Exits with 77 where FOLDER has no logs.
"""

import collections
import pathlib
import re
import subprocess
import sys

ENTRY = re.compile(r"Compiling entry function '(\S+)' for '(sm_\d+)'")
USED = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")
STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
ENTRY_PTX = re.compile(r"\.entry (\w+)")

Use = collections.namedtuple("Use", "registers shared stack spills tensor")


def readable(symbols):
    """The kernels' names without namespaces and parameters: correlate<Tf32>."""
    text = subprocess.run(["c++filt"], input="\n".join(symbols), text=True, capture_output=True,
                          check=True).stdout.splitlines()
    names = {}
    for symbol, name in zip(symbols, text):
        name = re.sub(r"^void ", "", name)
        name = re.sub(r"\((anonymous namespace)\)::|\([\w:]+\)(?=-?\d)", "", name)  # also of values
        names[symbol] = re.sub(r"\b(\w+::)+", "", re.sub(r"\(.*", "", name)).replace(" ", "")
    return names


def tensor_kernels(kernel, nvcc):
    """Symbols of the kernels in the file whose PTX has tensor-core instructions."""
    root = kernel.parent.parent
    text = subprocess.run([nvcc, "-std=c++20", "-arch=compute_80", "-I", root / "kernels", "-I",
                           root / "include", "--ptx", kernel, "-o", "-"],
                          text=True, capture_output=True, check=True).stdout
    parts = re.split(r"(?=\.entry )", text)
    return {ENTRY_PTX.match(part)[1] for part in parts if ENTRY_PTX.match(part)
            and re.search(r"\b(wmma|mma)\.", part)}


def measure(folder, kernels, nvcc):
    """What each kernel takes, by file, name and architecture."""
    found, tensor = {}, set()
    for log in sorted(folder.glob("*.o.log")):
        file = log.name.split(".")[0]
        parts = re.split(r"(?=ptxas info\s+: Compiling entry)", log.read_text())
        for part in parts:
            entry, used = ENTRY.search(part), USED.search(part)
            if entry and used:
                stack, shared = STACK.search(part), SHARED.search(part)
                found[(file, entry[1], entry[2])] = (
                    int(used[1]), int(shared[1]) if shared else 0, int(stack[1]),
                    int(stack[2]) + int(stack[3]))
        tensor |= {(file, symbol) for symbol in tensor_kernels(kernels / f"{file}.cu", nvcc)}
    names = readable(sorted({key[1] for key in found} | {symbol for _, symbol in tensor}))
    on_tensor_cores = {(file, names[symbol]) for file, symbol in tensor}
    return {(file, names[symbol], arch): Use(*use, (file, names[symbol]) in on_tensor_cores)
            for (file, symbol, arch), use in found.items()}


HEADER = "# file kernel architecture registers shared stack tensor; written by kernel_budgets.py --write\n"


def recorded(path):
    """The budgets, by file, name and architecture."""
    budgets = {}
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            file, name, arch, registers, shared, stack, tensor = line.split()
            budgets[(file, name, arch)] = Use(int(registers), int(shared), int(stack), 0,
                                              tensor == "tensor")
    return budgets


def print_table(budgets, architectures):
    print("| kernel | tensor cores | " +
          " | ".join(f"registers, {a} | shared, {a}" for a in architectures) + " |")
    print("| --- | --- |" + " ---: |" * (2 * len(architectures)))
    for file, name in sorted({key[:2] for key in budgets}):
        uses = [budgets[(file, name, a)] for a in architectures]
        cells = " | ".join(f"{use.registers} | {use.shared}" for use in uses)
        print(f"| `{file}` {name} | {'yes' if uses[0].tensor else ''} | {cells} |")


def main():
    if sys.argv[2] == "--table":
        return print_table(recorded(pathlib.Path(sys.argv[1])), sys.argv[3:])
    budgets_path, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    if not any(folder.glob("*.o.log")):
        print("skipped: this build has no kernels for devices")
        sys.exit(77)
    nvcc = (folder / "nvcc").read_text().strip()
    uses = measure(folder, pathlib.Path(__file__).parent.parent / "kernels", nvcc)
    if "--write" in sys.argv[3:]:
        lines = [f"{file} {name} {arch} {use.registers} {use.shared} {use.stack} "
                 f"{'tensor' if use.tensor else '-'}"
                 for (file, name, arch), use in sorted(uses.items())]
        budgets_path.write_text(HEADER + "\n".join(lines) + "\n")
        print(f"{len(lines)} budgets written")
        return
    budgets = recorded(budgets_path)
    wrong = []
    for (file, name, arch), use in sorted(uses.items()):
        key = (file, name, arch)
        if key not in budgets:
            wrong.append(f"{file}.cu {name} {arch}: no budget is recorded")
            continue
        budget = budgets[key]
        for what in ("registers", "shared", "stack", "spills"):
            if getattr(use, what) > getattr(budget, what):
                wrong.append(f"{file}.cu {name} {arch}: {getattr(use, what)} {what}, budget "
                             f"{getattr(budget, what)}")
        if use.tensor != budget.tensor:
            wrong.append(f"{file}.cu {name} {arch}: tensor-core instructions "
                         f"{'were not' if use.tensor else 'were'} expected")
    print("\n".join(wrong) or f"{len(uses)} kernels are within their budgets")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
