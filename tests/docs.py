#!/usr/bin/env python3
"""Checks README.md and the other pages against the tree and the program: docs.py PROGRAM

- Links to files of the tree, and to headings in them, resolve.
- Commands, options and `--set` keys quoted in the pages exist in `reprise ... --help`.
- docs/using.md lists all commands, and only those.
- README.md keeps to 900 words.
- CITATION.cff names the version of the program.
"""
import functools
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = sys.argv[1]
README_WORDS = 900
# Options in the text that belong to scripts and other programs.
FOREIGN = re.compile(
    r"^(cmake|ctest|git|pip|python|apt-get|nvcc|for |scripts/|tests/|bench/|build/|data/)")

problems = []


def problem(page, line, text):
    problems.append(f"{page.relative_to(ROOT)}:{line}: {text}")


@functools.cache
def help_of(*words):
    """Help text of `reprise WORDS`, or None where there is no such command."""
    run = subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True)
    path = " ".join(words)
    ok = run.returncode == 0 and re.search(rf"^Usage: \S+ {path}\b", run.stdout, re.M)
    return run.stdout if ok or (not words and run.returncode == 0) else None


@functools.cache
def subcommands(*words):
    text = help_of(*words) or ""
    _, _, below = text.partition("\nSubcommands:\n")
    return re.findall(r"^  ([a-z][a-z0-9-]*) ", below.split("\n\n")[0] + "\n", re.M)


@functools.cache
def options(*words):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", help_of(*words) or ""))


@functools.cache
def all_options():
    found = set(options())
    for command in subcommands():
        found |= options(command)
        for below in subcommands(command):
            found |= options(command, below)
    return found


def check_command(page, line, words):
    """words: what follows `reprise` on a command line."""
    path = []
    while words and subcommands(*path):
        # a|b|c stands for several commands
        names = words[0].split("|")
        if not re.match(r"^[a-z]", words[0]) or names[0].isupper():
            break
        for name in names:
            if name not in subcommands(*path):
                problem(page, line, f"there is no command reprise {' '.join(path + [name])}")
                return
        path.append(names[0])
        words = words[1:]
    known = options(*path) if path else all_options()
    for at, word in enumerate(words):
        if not word.startswith("--"):
            continue
        name = word.split("=")[0]
        if name not in known:
            problem(page, line, f"reprise {' '.join(path)} has no option {name}")
        text = help_of(*path) or ""
        if name == "--set" and at + 1 < len(words) and "of --set" in text:
            key = words[at + 1].split("=")[0]
            if key != "key" and not re.search(rf"^  {re.escape(key)}\b", text, re.M):
                problem(page, line, f"reprise {' '.join(path)} has no parameter {key}")


def check_span(page, line, text):
    """Inline code."""
    text = text.strip()
    if text.startswith("reprise "):
        try:
            check_command(page, line, shlex.split(text.replace("...", ""))[1:])
        except ValueError:
            pass  # an apostrophe in prose
    elif text.startswith("--"):
        name = re.match(r"--[a-z0-9-]*", text)[0]
        if name not in all_options():
            problem(page, line, f"no command has the option {name}")
    elif not FOREIGN.match(text):
        words = text.split()
        if words and words[0] in subcommands():
            check_command(page, line, words)


def check_block(page, first, lines):
    """A fenced block, its lines that call reprise."""
    joined, start = "", first
    for number, line in enumerate(lines, first):
        if not joined:
            start = number
        joined += line
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
            continue
        command = re.sub(r"^\$ ", "", joined.strip())
        joined = ""
        if command.startswith(("reprise ", "build/release/bin/reprise ")):
            try:
                words = shlex.split(command, comments=True)
            except ValueError as error:
                problem(page, start, f"not a command line: {error}")
                continue
            check_command(page, start, [w.strip("[]") for w in words[1:]])


@functools.cache
def headings(page):
    """Anchors of a page, as forges make them."""
    found, fenced = set(), False
    for line in page.read_text().splitlines():
        fenced ^= line.startswith("```")
        if not fenced and line.startswith("#"):
            title = line.lstrip("#").strip().lower().replace("`", "")
            found.add(re.sub(r"[^\w\- ]", "", title).replace(" ", "-"))
    return found


def check_links(page, line, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        to = (page.parent / name).resolve() if name else page
        if not to.exists():
            problem(page, line, f"link to {target}: there is no such file")
        elif anchor and to.suffix == ".md" and anchor not in headings(to):
            problem(page, line, f"link to {target}: there is no such heading")


def check_page(page):
    block, first = None, 0
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.startswith("```"):
            if block is None:
                block, first = [], number + 1
            else:
                check_block(page, first, block)
                block = None
        elif block is not None:
            block.append(line)
        else:
            check_links(page, number, line)
    # Inline code may be wrapped: read without blocks, as one text.
    text = page.read_text()
    text = re.sub(r"^```.*?^```", lambda m: "\n" * m[0].count("\n"), text, flags=re.M | re.S)
    for span in re.finditer(r"`([^`]+)`", text):
        check_span(page, text.count("\n", 0, span.start()) + 1, " ".join(span[1].split()))


def main():
    if not subcommands():
        sys.exit(f"{PROGRAM}: expected a list of commands in its help, found none")
    pages = [p for p in sorted(ROOT.rglob("*.md"))
             if not {"build", "out", ".git"} & set(p.relative_to(ROOT).parts)]
    for page in pages:
        check_page(page)

    using = ROOT / "docs/using.md"
    listed = re.findall(r"^\| `reprise ([a-z-]+)` \|", using.read_text(), re.M)
    for name in sorted(set(subcommands()) ^ set(listed)):
        where = "lacks" if name not in listed else "lists, and there is not,"
        problem(using, 1, f"the table of commands {where} {name}")

    readme = ROOT / "README.md"
    words = len(readme.read_text().split())
    if words > README_WORDS:
        problem(readme, 1, f"expected at most {README_WORDS} words, found {words}")

    citation = ROOT / "CITATION.cff"
    version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True).stdout.split()[-1]
    if f"\nversion: {version}\n" not in citation.read_text():
        problem(citation, 1, f"expected version {version}")

    for text in problems:
        print(text)
    print(f"{len(pages)} pages, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
