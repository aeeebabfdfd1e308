#!/usr/bin/env python3
"""Compares what each kernel takes on each architecture with the recorded budget.

  tests/kernel_budgets.py BUDGETS FOLDER [--write]

FOLDER holds NAME.o and NAME.o.log, an object and what ptxas said of it, for each kernel file. Every
kernel may take at most the registers, static shared memory and stack of its line in BUDGETS, spills
nothing, and holds tensor-core instructions exactly where its line says so. --write records what is
there instead. Exits with 77 where FOLDER has no logs.
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
SASS = re.compile(r"^\s*Function : (\S+)|arch = (sm_\d+)|\b([HI]MMA|Q?GMMA|UTC\w*MMA)\b", re.M)

Use = collections.namedtuple("Use", "registers shared stack spills tensor")


def readable(symbols):
    """The kernels' names without namespaces and parameters: correlate<Tf32>."""
    text = subprocess.run(["c++filt"], input="\n".join(symbols), text=True, capture_output=True,
                          check=True).stdout.splitlines()
    names = {}
    for symbol, name in zip(symbols, text):
        name = re.sub(r"^void ", "", name)
        name = re.sub(r"\(.*", "", name.replace("(anonymous namespace)::", ""))
        names[symbol] = re.sub(r"\(\w+\)", "", re.sub(r"\b(\w+::)+", "", name))
    return names


def tensor_kernels(obj, cuobjdump):
    """(symbol, architecture) of the kernels with tensor-core instructions."""
    text = subprocess.run([cuobjdump, "-sass", obj], text=True, capture_output=True,
                          check=True).stdout
    found, arch, function = set(), "", ""
    for match in SASS.finditer(text):
        if match[2]:
            arch = match[2]
        elif match[1]:
            function = match[1]
        else:
            found.add((function, arch))
    return found


def measure(folder, cuobjdump):
    uses = {}
    for log in sorted(folder.glob("*.o.log")):
        text = log.read_text()
        tensor = tensor_kernels(log.with_suffix(""), cuobjdump)
        for part in re.split(r"(?=ptxas info\s+: Compiling entry)", text):
            entry, used = ENTRY.search(part), USED.search(part)
            if not entry or not used:
                continue
            stack, shared = STACK.search(part), SHARED.search(part)
            uses[(log.name.split(".")[0], entry[1], entry[2])] = Use(
                int(used[1]), int(shared[1]) if shared else 0, int(stack[1]),
                int(stack[2]) + int(stack[3]), (entry[1], entry[2]) in tensor)
    names = readable(sorted({symbol for _, symbol, _ in uses}))
    return {(file, names[symbol], arch): use for (file, symbol, arch), use in uses.items()}


HEADER = "# file kernel architecture registers shared stack tensor; written by kernel_budgets.py --write\n"


def main():
    budgets_path, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    if not any(folder.glob("*.o.log")):
        print("skipped: this build has no kernels for devices")
        sys.exit(77)
    nvcc = next((line for line in (folder / "nvcc").read_text().splitlines()), "nvcc")
    uses = measure(folder, str(pathlib.Path(nvcc).with_name("cuobjdump")))
    if "--write" in sys.argv[3:]:
        lines = [f"{file} {name.replace(' ', '')} {arch} {use.registers} {use.shared} {use.stack} "
                 f"{'tensor' if use.tensor else '-'}"
                 for (file, name, arch), use in sorted(uses.items())]
        budgets_path.write_text(HEADER + "\n".join(lines) + "\n")
        print(f"{len(lines)} budgets written")
        return
    budgets = {}
    for line in budgets_path.read_text().splitlines():
        if not line.startswith("#"):
            file, name, arch, registers, shared, stack, tensor = line.split()
            budgets[(file, name, arch)] = Use(int(registers), int(shared), int(stack), 0,
                                              tensor == "tensor")
    wrong = []
    for (file, name, arch), use in sorted(uses.items()):
        key = (file, name.replace(" ", ""), arch)
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
