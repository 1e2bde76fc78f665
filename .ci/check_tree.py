"""Check what is tracked: ``python .ci/check_tree.py [FOLDER]``.

Refuses, in every file that git tracks or would add:
- lock files, which name the index that their author happened to use
- hosts of package indexes: whoever builds uses their own
- paths of one machine: the clone, the interpreter, the home of whoever made the file
- leftovers of a merge, and files above MAX_FILE_BYTES

Does not: judge the code (ruff, mypy, import-linter do), or look into binary files.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# Packs, fixtures and vectors are text; a larger file is a mistake more often than a need.
MAX_FILE_BYTES = 2 * 1024 * 1024

LOCK_FILES = frozenset(
    {
        "uv.lock",
        "poetry.lock",
        "pdm.lock",
        "pylock.toml",
        "Pipfile.lock",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "pnpm-lock.yaml",
    }
)

# In pieces, so that this file does not find itself.
INDEX_HOSTS = tuple(
    ".".join(pieces)
    for pieces in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("pypi", "python", "org"),
    )
)
INDEX_OPTIONS = re.compile(r"^\s*(--(extra-)?index-url|--find-links|-i)[ =]", re.MULTILINE)

# A folder that lies at the root of one machine; "/app/work/x" and "~/work/x" are anybody's.
MACHINE_PATHS = re.compile(
    r"(?<![\w.~*}/>-])/(?:" + "|".join(("wor" + "k", "opt/whe" + "els", "opt/py" + "pi")) + r")/"
    r"|\.py" + r"env/versions/"
)
CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Print every finding; return 1 if there was one."""
    root = Path(arguments[0] if arguments else Path(__file__).parents[1]).resolve()
    names = tracked(root)
    if names is None:
        print(f"check_tree: {root.name} is no git repository, nothing to check")
        return 0
    findings = [f"{name}: {what}" for name in names for what in check(root, name)]
    for finding in findings:
        print(finding)
    print(f"check_tree: {len(names)} files, {len(findings)} findings")
    return 1 if findings else 0


def tracked(root: Path) -> list[str] | None:
    """Names of the files that are tracked or would be added; None outside of a repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        answer = subprocess.run(command, cwd=root, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    if answer.returncode:
        return None
    names = answer.stdout.decode("utf-8", "surrogateescape").split("\0")
    return sorted({name for name in names if name and (root / name).is_file()})


def check(root: Path, name: str) -> Iterator[str]:
    """What is wrong with one file."""
    file = root / name
    if file.name in LOCK_FILES:
        yield "lock file"
        return
    data = file.read_bytes()
    if len(data) > MAX_FILE_BYTES:
        yield f"{len(data)} bytes, more than {MAX_FILE_BYTES}"
    if b"\0" in data[:8192]:
        return
    text = data.decode("utf-8", "replace")
    for host in INDEX_HOSTS:
        if host in text:
            yield f"line {line_of(text, text.index(host))} names a package index"
    for pattern, what in (
        (MACHINE_PATHS, "names a path of one machine"),
        (CONFLICT, "is left over from a merge"),
    ):
        if found := pattern.search(text):
            yield f"line {line_of(text, found.start())} {what}"
    if name.startswith(".ci/constraints/") and (found := INDEX_OPTIONS.search(text)):
        yield f"line {line_of(text, found.start())} gives an index"
    for place in machine_places(root):
        if place in text:
            yield f"line {line_of(text, text.index(place))} names a path of this machine"


def machine_places(root: Path) -> Iterator[str]:
    """Paths of the machine at hand that are too special to be an example in a test."""
    # Two levels at least: "/usr" or "/root" alone are everywhere, in attacks above all.
    for place in (root, Path(sys.prefix), Path(sys.base_prefix)):
        if len(place.parts) > 2 and not str(place).startswith("/usr/"):
            yield str(place)


def line_of(text: str, position: int) -> int:
    """The line number of a position, from 1."""
    return text.count("\n", 0, position) + 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
