#!/usr/bin/env python3
"""Deletes every barrier of the kernels in turn and checks that some emulated test then fails.

  tests/emulation/mutate.py [--test NAME] [--sanitizer none|thread] [--args=ARGS] FILE...

FILE is a kernel under kernels/. The sources are copied to a scratch folder, built there with
tests/emulation/CMakeLists.txt, and the test program NAME is run once for each __syncthreads or
__syncwarp deleted. Exits with 1 if a mutant survives.
"""

import argparse
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BARRIER = re.compile(r"\b__sync(?:threads|warp)\([^()]*\);")


def barriers(text):
    """Start and end of every barrier statement outside a line comment."""
    for match in BARRIER.finditer(text):
        line_start = text.rfind("\n", 0, match.start()) + 1
        if "//" not in text[line_start : match.start()]:
            yield match.span()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--test", default="test_kernels", help="the test program's target")
    parser.add_argument("--sanitizer", default="none", choices=["none", "thread"])
    parser.add_argument("--args", default="--gtest_brief=1", help="arguments of the test program")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one run")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="reprise-mutate-") as scratch_name:
        scratch = pathlib.Path(scratch_name)
        for part in ("kernels", "include", "src", "tests"):
            shutil.copytree(ROOT / part, scratch / part)
        build = scratch / "build"
        subprocess.run(
            ["cmake", "-S", scratch / "tests/emulation", "-B", build,
             f"-DREPRISE_SANITIZER={options.sanitizer}", "-DCMAKE_BUILD_TYPE=Release"],
            check=True, stdout=subprocess.DEVNULL)

        def passes():
            subprocess.run(["cmake", "--build", build, "--target", options.test, "-j1"],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            command = [str(build / options.test), "--gtest_fail_fast", *shlex.split(options.args)]
            try:
                run = subprocess.run(command, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL, timeout=options.timeout)
            except subprocess.TimeoutExpired:
                return False
            return run.returncode == 0

        if not passes():
            sys.exit("the tests fail without any mutation")
        made, killed = 0, 0
        for file in options.files:
            path = scratch / file.resolve().relative_to(ROOT)
            text = path.read_text()
            for start, end in barriers(text):
                made += 1
                path.write_text(text[:start] + ";" + text[end:])
                begun = time.monotonic()
                survived = passes()
                killed += not survived
                line = text.count("\n", 0, start) + 1
                print(f"{file}:{line}: {text[start:end]} deleted: "
                      f"{'SURVIVED' if survived else 'killed'} "
                      f"({time.monotonic() - begun:.0f} s)", flush=True)
            path.write_text(text)
    print(f"{killed} of {made} mutants killed")
    sys.exit(killed != made)


if __name__ == "__main__":
    main()
