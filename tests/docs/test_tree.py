"""The frame of the project keeps its promises: the tree check, and the Makefile's help."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECK_TREE = ROOT / ".ci" / "check_tree.py"
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def check_tree(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, CHECK_TREE, folder], capture_output=True, text=True, check=False
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / "README.md").write_text("an innocent file with a path, /app/work/x\n")
    return tmp_path


@needs_git
def test_tree_is_clean() -> None:
    result = check_tree(ROOT)
    assert result.returncode == 0, result.stdout


@needs_git
def test_clean_tree_passes_the_check(repository: Path) -> None:
    result = check_tree(repository)
    assert (result.returncode, result.stdout) == (0, "check_tree: 1 files, 0 findings\n")


@needs_git
@pytest.mark.parametrize(
    ("name", "text", "finding"),
    [
        ("uv.lock", "version = 1", "lock file"),
        ("pins.txt", "url = https://files.python" + "hosted.org/x", "line 1 names a package index"),
        ("a.md", "\nsee /wo" + "rk/main", "line 2 names a path of one machine"),
        ("a.py", "<" * 7 + " HEAD\n", "line 1 is left over from a merge"),
        (".ci/constraints/a.txt", "--index-url x", "line 1 gives an index"),
    ],
)
def test_what_does_not_belong_is_found(
    repository: Path, name: str, text: str, finding: str
) -> None:
    (repository / name).parent.mkdir(parents=True, exist_ok=True)
    (repository / name).write_text(text)
    result = check_tree(repository)
    assert result.returncode == 1
    assert f"{name}: {finding}" in result.stdout


@needs_make
def test_make_alone_prints_help_with_every_target() -> None:
    result = subprocess.run(
        ["make", "--no-print-directory"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin"},
    )
    listed = set(re.findall(r"^  make ([\w-]+)", result.stdout, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    per_framework = {"test-NAME", "types-NAME"}
    # runtime and dev set .venv up and are named by no one.
    assert listed - per_framework == set(phony[1].split()) - {"help", "runtime", "dev"}
    assert listed >= per_framework
    for target in listed - per_framework:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
