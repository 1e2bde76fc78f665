"""The blocks of the READMEs run, in order, in one empty folder, and print what they show.

- ```python is executed; all of a file's blocks share one namespace
- ```console has lines that begin with "$ "; each must start permit0, alone or after a pipe, and
  what follows must be its output, stderr included, exactly but for trailing blanks
- ``<!-- file: NAME -->`` before a block of any language writes the block to that file
- ``<!-- run -->`` before a ```sh block runs its lines, which start permit0 and succeed; what they print is not
  compared, for commands whose output is new each time
- ``<!-- not-run: reason -->`` before a block leaves it out

Other languages (sh, text, yaml ...) are only shown.
"""

import os
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Those of the integrations run in tests/<framework>, where their framework is.
READMES = [ROOT / "README.md", ROOT / "packages/core/README.md", ROOT / "docs/packs.md"]
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>[\w-]*)\s*$")
REMARK = re.compile(r"^<!--\s*(?P<word>not-run:|file:|run)\s*(?P<value>.*?)\s*-->$")
STARTS_PERMIT0 = re.compile(r"(?:^|\|\s*)permit0(?:\s|$)")
TIMEOUT_S = 60


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block; line is that of its first line of text."""

    language: str
    line: int
    text: str
    not_run: str = ""
    file: str = ""
    run: bool = False


def blocks_of(text: str) -> Iterator[Block]:
    """Every fenced block at the left margin, with the remark that stands before it."""
    remarks: dict[str, str] = {}
    lines = enumerate(text.splitlines(), start=1)
    for number, line in lines:
        if remark := REMARK.match(line):
            remarks[remark["word"].rstrip(":")] = remark["value"]
        elif fence := FENCE.match(line):
            body = []
            for _, inner in lines:
                if inner.rstrip() == fence["fence"]:
                    break
                body.append(inner)
            else:
                pytest.fail(f"line {number}: the block is not closed")
            yield Block(
                language=fence["language"],
                line=number + 1,
                text="\n".join(body) + "\n",
                not_run=remarks.get("not-run", ""),
                file=remarks.get("file", ""),
                run="run" in remarks,
            )
            remarks = {}
        elif line.strip():
            remarks = {}


def commands_of(block: Block) -> Iterator[tuple[str, str]]:
    """Each command of a console block, with the output that is shown for it."""
    command: str | None = None
    output: list[str] = []
    for line in block.text.splitlines():
        if command is not None and command.endswith("\\") and not output:
            command = command[:-1] + line.removeprefix("> ")
        elif line.startswith("$ "):
            if command is not None:
                yield command, "\n".join(output)
            command, output = line[2:], []
        elif command is None:
            pytest.fail(f"line {block.line}: a console block begins with '$ '")
        else:
            output.append(line)
    if command is not None:
        yield command, "\n".join(output)


def without_trailing_blanks(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def run_console(block: Block, name: str, folder: Path) -> None:
    for command, shown in commands_of(block):
        done = start(command, f"{name}:{block.line}", folder)
        expected, printed = without_trailing_blanks(shown), without_trailing_blanks(done.stdout)
        assert printed == expected, f"{name}:{block.line}: {command}"


def run_sh(block: Block, name: str, folder: Path) -> None:
    for command in block.text.splitlines():
        done = start(command, f"{name}:{block.line}", folder)
        assert done.returncode == 0, f"{name}:{block.line}: {command}: {done.stdout}"


def start(command: str, where: str, folder: Path) -> subprocess.CompletedProcess[str]:
    if not STARTS_PERMIT0.search(command):
        pytest.fail(f"{where}: not a permit0 command, say why not run: {command}")
    environment = {key: value for key, value in os.environ.items() if "PERMIT0" not in key}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "NO_COLOR": "1",
        "TERM": "dumb",
        "COLUMNS": "100",
    }
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def run_document(text: str, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run every block in order; return how many ran."""
    monkeypatch.chdir(folder)
    for variable in [name for name in os.environ if name.startswith("PERMIT0_")]:
        monkeypatch.delenv(variable)
    module = types.ModuleType("readme")
    monkeypatch.setitem(sys.modules, "readme", module)
    ran = 0
    for block in blocks_of(text):
        if block.not_run:
            continue
        if block.file:
            target = folder / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, "utf-8")
        elif block.language == "python":
            # Lines before the block, so that a traceback shows the line of the document.
            source = "\n" * (block.line - 1) + block.text
            exec(compile(source, name, "exec", dont_inherit=True), vars(module))  # noqa: S102 - ours
            ran += 1
        elif block.language == "console":
            run_console(block, name, folder)
            ran += 1
        elif block.run:
            run_sh(block, name, folder)
            ran += 1
    return ran


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_blocks_run_and_print_what_they_show(
    readme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = str(readme.relative_to(ROOT))
    ran = run_document(readme.read_text("utf-8"), name, tmp_path, monkeypatch)
    if readme.parent == ROOT:
        assert ran, "README.md has no block that runs"


def document(*parts: str) -> str:
    """A document in which ''' stands for the fence, which this file cannot hold at a margin."""
    return "\n".join(parts).replace("'''", "```")


def test_python_blocks_share_a_namespace_and_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = document(
        "<!-- file: sub/a.txt -->", "'''yaml", "hello", "'''",
        "", "'''python", "from pathlib import Path", "x = Path('sub/a.txt')", "'''",
        "", "'''python", "assert x.read_text() == 'hello\\n'", "'''",
    )  # fmt: skip
    assert run_document(text, "x.md", tmp_path, monkeypatch) == 2


def test_failing_python_block_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = document("'''python", "raise KeyError('x')", "'''")
    with pytest.raises(KeyError):
        run_document(text, "x.md", tmp_path, monkeypatch)


def test_remark_leaves_out_only_the_next_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = document(
        "<!-- not-run: needs a server -->", "'''python", "raise KeyError('x')", "'''",
        "", "'''python", "pass", "'''",
    )  # fmt: skip
    assert run_document(text, "x.md", tmp_path, monkeypatch) == 1


@pytest.mark.parametrize(
    ("shown", "agrees"),
    [("one  \ntwo", True), ("one\ntwo\n", True), ("one\n2", False), ("", False)],
)
def test_console_output_must_agree_but_for_trailing_blanks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: str, agrees: bool
) -> None:
    stand_in = tmp_path / "bin" / "permit0"
    stand_in.parent.mkdir()
    stand_in.write_text("#!/bin/sh\necho one\necho two >&2\n")
    stand_in.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    text = document("'''console", "$ echo | permit0 \\", "> check", shown, "'''")
    if agrees:
        assert run_document(text, "x.md", tmp_path, monkeypatch) == 1
    else:
        with pytest.raises(AssertionError):
            run_document(text, "x.md", tmp_path, monkeypatch)


def test_command_that_is_not_ours_needs_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = document("'''console", "$ make demo", "'''")
    with pytest.raises(pytest.fail.Exception, match="not a permit0 command"):
        run_document(text, "x.md", tmp_path, monkeypatch)


@pytest.mark.parametrize(("word", "good"), [("--version", True), ("--nonsense", False)])
def test_sh_block_runs_if_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, good: bool
) -> None:
    shown = ("'''sh", f"permit0 {word}", "'''")
    assert run_document(document(*shown), "x.md", tmp_path, monkeypatch) == 0
    text = document("<!-- run -->", *shown)
    if good:
        assert run_document(text, "x.md", tmp_path, monkeypatch) == 1
    else:
        with pytest.raises(AssertionError):
            run_document(text, "x.md", tmp_path, monkeypatch)
